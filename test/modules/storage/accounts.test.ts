import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { memoryBody } from '../../../core/kit/message/index.ts'
import { account, all, deliver, open, select } from './support.ts'

const content = (text: string) => memoryBody(Buffer.from(text))

test('the account of a first login is made with INBOX alone, also when two come at once', async () => {
  await using made = await open()
  const [one, two] = await Promise.all([made.storage.open('New@Example.org'), made.storage.open('new@example.org')])
  assert.deepEqual([one.name, two.name], ['new@example.org', 'new@example.org'])
  assert.deepEqual(await made.storage.list(), ['new@example.org'])
  assert.deepEqual(
    (await one.mailboxes()).map(({ name }) => name),
    ['INBOX'],
  )
})

test('auth_map says which account a login name is, and one without an entry has none', async () => {
  await using made = await open('msg_store sql\nauth_map static {\n entry login mailbox@example.org\n}')
  assert.equal((await made.storage.open('login')).name, 'mailbox@example.org')
  await assert.rejects(made.storage.open('other'), { name: 'StorageError', kind: 'missing' })
})

test('an account is made once, with its folders, and found in any case', async () => {
  await using made = await open()
  await made.storage.create('B@example.org', made.storage.specialFolders)
  await assert.rejects(made.storage.create('b@EXAMPLE.org', []), { name: 'StorageError', kind: 'exists' })
  assert.deepEqual(
    (await (await account(made.storage, 'b@Example.org')).mailboxes()).map(({ name, specialUse }) => [
      name,
      specialUse,
    ]),
    [
      ['INBOX', undefined],
      ['Sent', '\\Sent'],
      ['Trash', '\\Trash'],
      ['Junk', '\\Junk'],
      ['Drafts', '\\Drafts'],
      ['Archive', '\\Archive'],
    ],
  )
})

test('an account that cannot be made with all its folders is not made at all', async () => {
  await using made = await open()
  await assert.rejects(made.storage.create('b@x.org', [{ name: 'a..b' }]), { name: 'StorageError', kind: 'name' })
  assert.deepEqual(await made.storage.list(), [])
})

test('as a table it has an empty value for an account, and none for any other name', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  assert.deepEqual(await made.storage.lookup('B@example.org'), [''])
  assert.deepEqual(await made.storage.lookup('c@example.org'), [])
  assert.deepEqual(await made.storage.lookup('\u0000'), [])
})

test('an account that is deleted leaves nothing in the database or in the folder of bodies', async () => {
  await using made = await open('')
  await made.storage.create('b@example.org', [{ name: 'a' }])
  await deliver(made.storage, ['b@example.org'])
  {
    await using inbox = await select(made.storage, 'b@example.org')
    await inbox.store(all, 'add', ['$keyword'])
    await inbox.copy(all, 'a')
  }
  await made.db.exec("INSERT INTO user_quotas (username, quota_bytes) VALUES ('b@example.org', 5)")
  await made.storage.delete('B@example.org')
  const tables = ['users', 'mboxes', 'msgs', 'flags', 'extkeys', 'user_quotas']
  const own = ['mboxes', 'msgs', 'expunged', 'keywords', 'blobs', 'doomed'].map((name) => `tsmaddy_${name}`)
  for (const table of [...tables, ...own]) {
    assert.deepEqual(await made.db.rows(`SELECT * FROM ${table}`), [], table)
  }
  assert.deepEqual(await readdir(`${made.directory}/messages`), [])
  await assert.rejects(made.storage.delete('b@example.org'), { name: 'StorageError', kind: 'missing' })
})

test('sessions of an account that is deleted are told', async () => {
  await using made = await open()
  const session = await made.storage.open('b@x.org')
  assert.equal(session.gone.aborted, false)
  await made.storage.delete('b@x.org')
  assert.equal(session.gone.aborted, true)
  assert.equal((await made.storage.open('b@x.org')).gone.aborted, false)
})

test('the limit for a message is the mailbox’s, else the account’s, else the storage’s', async () => {
  await using made = await open('msg_store sql\nappendlimit 1K')
  await made.storage.create('b@x.org', [{ name: 'a' }])
  const owner = await account(made.storage, 'b@x.org')
  const append = (mailbox: string, bytes: number) =>
    owner.append(mailbox, [{ content: content(`A: b\r\n\r\n${'x'.repeat(bytes - 8)}`), flags: [], internalDate: 0 }])
  const tooBig = { name: 'StorageError', kind: 'too_big' }
  assert.equal(await owner.appendLimit('a'), 1024)
  await append('a', 1024)
  await assert.rejects(append('a', 1025), tooBig)
  await owner.setAppendLimit(2048)
  assert.deepEqual([await owner.ownAppendLimit(), await owner.appendLimit()], [2048, 2048])
  await append('a', 2048)
  await made.db.exec("UPDATE mboxes SET msgsizelimit = 4096 WHERE name = 'a'")
  assert.equal((await owner.status('a')).appendLimit, 4096)
  await append('a', 4096)
  await assert.rejects(append('INBOX', 2049), tooBig)
  await owner.setAppendLimit(0)
  await assert.rejects(append('INBOX', 9), tooBig)
  await owner.setAppendLimit(null)
  assert.equal(await owner.ownAppendLimit(), null)
  await deliver(made.storage, ['b@x.org'], undefined) // never limited
})

test('a name that is no use as one is refused', async () => {
  await using made = await open()
  await assert.rejects(made.storage.create('', []), { name: 'StorageError', kind: 'name' })
  await assert.rejects(made.storage.create('x'.repeat(256), []), { name: 'StorageError', kind: 'name' })
})
