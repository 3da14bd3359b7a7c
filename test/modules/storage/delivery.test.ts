import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SmtpError } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { account, all, bytes, deliver, envelope, message, open, select, simple } from './support.ts'

const refusal = async (work: Promise<unknown>): Promise<string> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof SmtpError, String(error))
  return `${error.code} ${error.enhanced} ${error.message}`
}

test('a delivered message is read back with the fields that delivery adds on top', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  await deliver(made.storage, ['b@example.org'], simple('one', 'first\nsecond\n'))
  await using inbox = await select(made.storage, 'b@example.org')
  assert.deepEqual(inbox.snapshot.uids, [1])
  assert.equal(
    await bytes(await inbox.content(1)),
    [
      'Delivered-To: b@example.org',
      'Return-Path: <sender@example.net>',
      'From: a@example.net',
      'To: b@example.org',
      'Subject: one',
      '',
      'first',
      'second',
      '',
    ].join('\r\n'),
  )
})

test('the stored size is that of the stored octets', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  await deliver(made.storage, ['b@example.org'])
  await using inbox = await select(made.storage, 'b@example.org')
  const [stored] = await Array.fromAsync(inbox.messages(all, {}))
  assert.equal(stored?.size, (await bytes(await inbox.content(1))).length)
})

test('header and structure are those of the stored message, whose parts are where they say', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  const text = [
    'Return-Path: <old@example.net>',
    'Subject: parts',
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    '',
    'inner text',
    '--x--',
    '',
  ].join('\n')
  await deliver(made.storage, ['b@example.org'], message(text))
  await using inbox = await select(made.storage, 'b@example.org')
  const [stored] = await Array.fromAsync(inbox.messages(all, { header: true, structure: true }))
  assert.deepEqual(stored?.header?.['Return-Path'], ['<sender@example.net>', '<old@example.net>'])
  assert.deepEqual(stored?.header?.['Delivered-To'], ['b@example.org'])
  const [, start = 0, end = 0] = stored?.structure?.Parts?.[0]?.At ?? []
  assert.equal((await bytes(await inbox.content(1))).slice(start, end), 'inner text')
})

test('a bounce has an empty Return-Path', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  await deliver(made.storage, ['b@example.org'], simple(), '')
  await using inbox = await select(made.storage, 'b@example.org')
  assert.match(await bytes(await inbox.content(1)), /^Delivered-To: b@example\.org\r\nReturn-Path: <>\r\nFrom/)
})

test('a recipient in another case is the same account, and one message is stored for both', async () => {
  await using made = await open()
  await made.storage.create('User@example.org', [])
  await deliver(made.storage, ['User@EXAMPLE.org', 'user@example.ORG'])
  await using inbox = await select(made.storage, 'user@example.org')
  assert.deepEqual(inbox.snapshot.uids, [1])
})

test('an account that does not exist is refused at RCPT, and none is made', async () => {
  await using made = await open()
  assert.equal(await refusal(deliver(made.storage, ['nobody@example.org'])), '501 5.1.1 User does not exist')
  assert.deepEqual(await made.storage.list(), [])
})

test('delivery_map says which account a recipient is', async () => {
  await using made = await open('msg_store sql\ndelivery_map static {\n entry info@example.org b@example.org\n}')
  await made.storage.create('b@example.org', [])
  await deliver(made.storage, ['info@example.org'])
  assert.equal(await refusal(deliver(made.storage, ['b@example.org'])), '501 5.1.1 User does not exist')
  await using inbox = await select(made.storage, 'b@example.org')
  assert.match(await bytes(await inbox.content(1)), /^Delivered-To: b@example\.org\r\n/)
})

test('a delivery_map that cannot be asked is trouble of ours, not a missing user', async () => {
  const map =
    'delivery_map sql_query {\n driver sqlite3\n dsn map.db\n lookup "SELECT v FROM m WHERE k = $1"\n init "CREATE TABLE IF NOT EXISTS m (k, v)"\n}'
  await using made = await open(`msg_store sql\n${map}`)
  await made.storage.create('b@example.org', [])
  using db = new DatabaseSync(`${made.directory}/map.db`)
  db.exec('DROP TABLE m')
  assert.match(await refusal(deliver(made.storage, ['b@example.org'])), /^451 4\.3\.0 /)
})

test('a message for two accounts is stored for both, each with its own name on top', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  await made.storage.create('c@example.org', [])
  await deliver(made.storage, ['b@example.org', 'c@example.org'])
  for (const name of ['b@example.org', 'c@example.org']) {
    await using inbox = await select(made.storage, name)
    assert.match(await bytes(await inbox.content(1)), new RegExp(`^Delivered-To: ${name}\r\n`))
  }
})

test('when one of two accounts cannot be written to, neither has the message, and no body stays behind', async () => {
  await using made = await open('')
  await made.storage.create('b@example.org', [])
  await made.storage.create('c@example.org', [])
  await using delivery = await made.storage.begin(envelope())
  await delivery.recipient(parseAddress('b@example.org'))
  await delivery.recipient(parseAddress('c@example.org'))
  await delivery.message(simple())
  await made.storage.delete('c@example.org')
  assert.match(await refusal(delivery.commit()), /^451 4\.2\.0 /)
  await using inbox = await select(made.storage, 'b@example.org')
  assert.deepEqual(inbox.snapshot.uids, [])
  assert.deepEqual(await readdir(`${made.directory}/messages`), [])
})

test('a delivery that is given up before commit leaves nothing', async () => {
  await using made = await open('')
  await made.storage.create('b@example.org', [])
  {
    await using delivery = await made.storage.begin(envelope())
    await delivery.recipient(parseAddress('b@example.org'))
    await delivery.message(simple())
  }
  assert.equal((await (await account(made.storage, 'b@example.org')).status('INBOX')).messages, 0)
  assert.deepEqual(await readdir(`${made.directory}/messages`), [])
})

test('a quarantined message goes to the folder that has \\Junk, whatever its name', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [{ name: 'Spam', specialUse: '\\Junk' }])
  await deliver(made.storage, ['b@example.org'], { ...simple(), quarantined: true })
  assert.equal((await (await account(made.storage, 'b@example.org')).status('Spam')).messages, 1)
})

test('without such a folder one is made for a quarantined message', async () => {
  await using made = await open('msg_store sql\njunk_mailbox Rubbish')
  await made.storage.create('b@example.org', [])
  await deliver(made.storage, ['b@example.org'], { ...simple(), quarantined: true })
  const found = (await (await account(made.storage, 'b@example.org')).mailboxes()).find(
    ({ name }) => name === 'Rubbish',
  )
  assert.equal(found?.specialUse, '\\Junk')
})

test('a plain folder of that name takes quarantined messages as it is', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [{ name: 'Junk' }])
  await deliver(made.storage, ['b@example.org'], { ...simple(), quarantined: true })
  const owner = await account(made.storage, 'b@example.org')
  assert.equal((await owner.status('Junk')).messages, 1)
  assert.equal((await owner.mailboxes()).find(({ name }) => name === 'Junk')?.specialUse, undefined)
})

test('fifty deliveries at once get fifty different UIDs without a gap', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  await Promise.all(Array.from({ length: 50 }, (_, n) => deliver(made.storage, ['b@example.org'], simple(`s${n}`))))
  await using inbox = await select(made.storage, 'b@example.org')
  assert.deepEqual(
    inbox.snapshot.uids,
    Array.from({ length: 50 }, (_, n) => n + 1),
  )
  assert.equal((await (await account(made.storage, 'b@example.org')).status('INBOX')).messages, 50)
})

test('a body larger than a row of the database comes back in whole and in part', async () => {
  await using made = await open()
  await made.storage.create('b@example.org', [])
  const body = Array.from({ length: 40_000 }, (_, n) => `line ${n} of a long message, and some more of it\n`).join('')
  await deliver(made.storage, ['b@example.org'], simple('large', body))
  await using inbox = await select(made.storage, 'b@example.org')
  const content = await inbox.content(1)
  assert.equal(content.memory, undefined)
  const text = await bytes(content)
  assert.ok(text.endsWith(body.replaceAll('\n', '\r\n')))
  const part = Buffer.concat(await Array.fromAsync(content.read(300_000, 600_000))).toString()
  assert.equal(part, text.slice(300_000, 900_000))
})
