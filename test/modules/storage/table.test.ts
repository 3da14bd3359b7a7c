import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

/** An endpoint with these lines beside mailboxes that have one account. */
const opened = async (lines: string) => {
  await using stack = new AsyncDisposableStack()
  const conf = `
    storage.imapsql mailboxes {
      driver sqlite3
      dsn mail.db
    }
    smtp tcp://127.0.0.1:0 {
      hostname mx.example.org
      tls off
      ${lines}
    }`
  const server = stack.use(await serve(conf))
  await (await server.find('mailboxes', Accounts)).create('ann@a.example', [])
  const client = stack.use(await dial(server.port('smtp')))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<s@s.example>', '250 *')
  const held = stack.move()
  return { client, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

test('as a table, mailboxes know the accounts that there are', async () => {
  const conf =
    'destination_in &mailboxes {\ndeliver_to &mailboxes\n}\ndefault_destination {\nreject 550 5.1.1 "No such user"\n}'
  await using server = await opened(conf)
  await server.client.command('RCPT TO:<Ann@A.example>', '250 *')
  await server.client.command('RCPT TO:<bob@a.example>', '550 5.1.1 No such user *')
})

test('mailboxes have one value for an account, so they do not rewrite recipients', async () => {
  await assert.rejects(
    opened('modify {\nreplace_rcpt &mailboxes\n}\ndeliver_to &mailboxes'),
    /test\.conf:10:14: &mailboxes has one value at most for a key.*chain \{ step &mailboxes \}/,
  )
})

test('within a chain they may', async () => {
  const chain = 'chain {\noptional_step &mailboxes\noptional_step static {\nentry "" ann@a.example\n}\n}'
  const conf = `modify {\nreplace_rcpt ${chain}\n}\ndestination ann@a.example {\ndeliver_to &mailboxes\n}\ndefault_destination {\nreject\n}`
  await using server = await opened(conf)
  await server.client.command('RCPT TO:<ann@a.example>', '250 *')
  await server.client.command('RCPT TO:<bob@a.example>', '554 5.7.0 *')
})
