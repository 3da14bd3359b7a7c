import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'

const greeted = async (port: number) => {
  const client = await dial(port)
  await client.expect('220 mx.h.example ESMTP Service Ready')
  await client.command('EHLO c', '250 *')
  return client
}

test('two endpoints with one block of limits, in a whole server', async () => {
  await using server = await serve(`
    hostname mx.h.example
    tls off
    limits shared {
      all concurrency 1
    }
    smtp tcp://127.0.0.1:0 {
      limits &shared
      defer_sender_reject no
      deliver_to dummy
    }
    smtp tcp://127.0.0.1:0 {
      limits &shared
      defer_sender_reject no
      deliver_to dummy
    }`)
  await using one = await greeted(server.port('smtp', 0))
  await using two = await greeted(server.port('smtp', 1))
  await one.command('MAIL FROM:<a@h.example>', '250 *')
  two.send('MAIL FROM:<a@h.example>\r\n')
  await one.command('RSET', '250 *')
  await two.expect('250 *')
})

for (const [kind, port, said, last] of [
  [
    'SMTP',
    'smtp',
    'EHLO c\r\nMAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nX: y\r\n.\r\n',
    /250 2\.0\.0 OK: queued\r\n$/,
  ],
  ['IMAP', 'imap', 'a LOGIN ann secret\r\nb SELECT INBOX\r\nc NOOP\r\n', /\r\nc OK .*\r\n$/],
] as const) {
  test(`a client that says all it has to say and closes its side is answered over ${kind}`, async () => {
    await using server = await serve(`
      hostname mx.h.example
      tls off
      smtp tcp://127.0.0.1:0 {
        deliver_to dummy
      }
      storage.imapsql mailboxes {
        driver sqlite3
        dsn imapsql.db
        msg_store sql
      }
      imap tcp://127.0.0.1:0 {
        auth dummy
        storage &mailboxes
      }`)
    await using client = await dial(server.port(port))
    client.send(said)
    client.end()
    assert.match(await client.rest(), last)
  })
}

test('after a reload a session goes on as it began', async () => {
  const conf = (reply: string) => `
    hostname mx.h.example
    smtp tcp://127.0.0.1:0 {
      tls off
      destination refused.example {
        reject ${reply}
      }
      default_destination {
        deliver_to dummy
      }
    }`
  await using server = await serve(conf('550'))
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await server.reload(conf('450'))
  await client.command('RCPT TO:<b@refused.example>', '550 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('X: y\r\n\r\n.', '250 2.0.0 OK: queued')
})

test('a directive that neither the endpoint nor its pipeline has is an error', async () => {
  await assert.rejects(
    serve('smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nfooo 1\ndeliver_to dummy\n}'),
    /no directive fooo/,
  )
})
