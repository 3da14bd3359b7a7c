import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MailboxChange } from '../../../core/index.ts'
import { Accounts } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import type { SqlStorage } from './support.ts'
import { all, deliver, select } from './support.ts'

const conf = (storage: string, rest = ''): string => `storage.imapsql local {
  driver sqlite3
  dsn imapsql.db
  msg_store sql
  ${storage}
}
imap tcp://127.0.0.1:0 {
  tls off
  auth dummy
  storage &local
  ${rest}
}`

test('a reload that leaves the block of the storage as it is keeps the storage', async () => {
  await using server = await serve(conf(''))
  const before = await server.find('local', Accounts)
  await server.reload(conf('', 'insecure_auth yes'))
  assert.equal(await server.find('local', Accounts), before)
})

test('while a reload changes the storage, sessions of the old one are told what the new one does, and both can write', async () => {
  await using server = await serve(conf(''))
  const before = (await server.find('local', Accounts)) as SqlStorage
  await before.create('b@x.org', [])
  // As an IMAP session that goes on for as long as it may would hold it.
  const reloaded: MailboxChange[] = []
  const inbox = await select(before, 'b@x.org')
  inbox.listen((change) => reloaded.push(change))
  const switching = server.reload(conf('junk_mailbox Spam'))
  const during = deliver(before, ['b@x.org'])
  await switching
  await during
  const after = (await server.find('local', Accounts)) as SqlStorage
  assert.notEqual(after, before)
  await deliver(after, ['b@x.org'])
  assert.deepEqual(
    reloaded.map((change) => change.type === 'arrived' && change.uids),
    [[1], [2]],
  )
  await using again = await select(after, 'b@x.org')
  await again.store(all, 'add', ['\\Seen'])
  assert.equal(reloaded.at(-1)?.type, 'flags')
})
