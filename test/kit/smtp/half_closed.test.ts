import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recorder, serve, tlsOptions } from './recorder.ts'

const greeting = 'EHLO client.example\r\n'
const envelope = `${greeting}MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\n`

/** The codes of all replies, those of several lines once. */
const codes = (text: string) => text.match(/^\d{3}(?= )/gm)

/** Takes its time over everything, as a busy server does. */
class Slow extends Recorder {
  override async recipient(...to: Parameters<Recorder['recipient']>): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20))
    await super.recipient(...to)
  }
}

test('a client that sends all it has to say and closes its side gets every reply', async () => {
  await using server = await serve({}, { receiver: new Slow() })
  await using client = await server.dial()
  client.send(`${envelope}DATA\r\nA: b\r\n.\r\nQUIT\r\n`)
  client.end()
  assert.deepEqual(codes(await client.rest()), ['220', '250', '250', '250', '354', '250', '221'])
  assert.equal(server.recorder.messages.length, 1)
  await Promise.all(server.ended)
})

test('a client that closes its side without QUIT gets every reply', async () => {
  await using server = await serve({}, { receiver: new Slow() })
  await using client = await server.dial()
  client.send(`${envelope}BDAT 6 LAST\r\nA: b\r\n`)
  client.end()
  assert.deepEqual(codes(await client.rest()), ['220', '250', '250', '250', '250'])
  await Promise.all(server.ended)
})

test('a client that closes its side of TLS gets every reply', async () => {
  await using server = await serve(await tlsOptions(), { receiver: new Slow() })
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  client.send(`${envelope}DATA\r\nA: b\r\n.\r\n`)
  client.end()
  assert.deepEqual(codes(await client.rest()), ['250', '250', '250', '354', '250'])
  await Promise.all(server.ended)
})

for (const [what, sent] of [
  ['nothing', ''],
  ['a transaction', envelope],
  ['half a command', `${envelope}RSE`],
  ['half a message', `${envelope}DATA\r\nA: b\r\n`],
  ['half a chunk', `${envelope}BDAT 7 LAST\r\nA: b\r\n`],
  ['some chunks', `${envelope}BDAT 6\r\nA: b\r\n`],
  ['a challenge without an answer', `${greeting}AUTH PLAIN\r\n`],
] as const) {
  test(`a client that closes its side after ${what} ends the session, and nothing is delivered`, async () => {
    await using server = await serve({ mechanisms: ['PLAIN'], insecureAuth: true })
    await using client = await server.dial()
    await client.expect('220 *')
    client.send(sent)
    client.end()
    await client.rest()
    await Promise.all(server.ended)
    assert.deepEqual(server.recorder.messages, [])
    assert.equal(server.recorder.events.at(-1), 'close')
  })
}

test('a client that closes its side during the TLS handshake leaves nothing behind', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  client.end()
  await Promise.all(server.ended)
  assert.equal(server.recorder.events.at(-1), 'close')
})
