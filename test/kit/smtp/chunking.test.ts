import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from './recorder.ts'

test('chunks are put together', async () => {
  await using server = await serve()
  await using client = await server.ready()
  client.send('BDAT 10\r\nA: b\r\n\r\nHeBDAT 5 LAST\r\nllo\r\n')
  await client.expect('250 2.0.0 Continue')
  await client.expect('250 2.0.0 OK: queued')
  assert.equal(server.recorder.messages[0]?.content, 'A: b\r\n\r\nHello\r\n')
})

test('a last chunk may be empty', async () => {
  await using server = await serve()
  await using client = await server.ready()
  client.send('BDAT 6\r\nA: b\r\nBDAT 0 LAST\r\n')
  await client.expect('250 2.0.0 Continue')
  await client.expect('250 2.0.0 OK: queued')
})

test('dots and long lines mean nothing in chunks', async () => {
  await using server = await serve()
  await using client = await server.ready()
  const content = `..\r\n.\r\n${'x'.repeat(9000)}\r\n.\r\n`
  client.send(`BDAT ${content.length} LAST\r\n${content}`)
  await client.expect('250 2.0.0 OK: queued')
  assert.equal(server.recorder.messages[0]?.content, content)
})

for (const line of ['MAIL FROM:<a@h.example>', 'RCPT TO:<b@h.example>', 'DATA']) {
  test(`${line} is refused between chunks`, async () => {
    await using server = await serve()
    await using client = await server.ready()
    client.send('BDAT 6\r\nA: b\r\n')
    await client.expect('250 2.0.0 Continue')
    await client.command(line, `502 5.5.1 ${line.slice(0, 4)} not allowed during message transfer`)
  })
}

test('a chunk that is too big ends the transaction, and its octets are no commands', async () => {
  await using server = await serve({ maxMessageSize: 10 })
  await using client = await server.ready()
  client.send('BDAT 6\r\nA: b\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n')
  await client.expect('250 2.0.0 Continue')
  await client.expect('552 5.3.4 Max message size exceeded')
  await client.expect('250 2.0.0 *nothing')
  await client.command('BDAT 0 LAST', '502 5.5.1 *')
  assert.deepEqual(server.recorder.messages, [])
})

test('the octets of a chunk that is out of place are no commands', async () => {
  await using server = await serve()
  await using client = await server.greeted()
  client.send('BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n')
  await client.expect('502 5.5.1 Missing RCPT TO command.')
  await client.expect('250 2.0.0 *nothing')
})

test('RSET gives up the chunks before it', async () => {
  await using server = await serve()
  await using client = await server.ready()
  client.send('BDAT 6\r\nA: b\r\nRSET\r\n')
  await client.expect('250 2.0.0 Continue')
  await client.expect('250 2.0.0 Session reset')
  assert.deepEqual(server.recorder.messages, [])
})

test('LMTP answers a last chunk for each recipient', async () => {
  await using server = await serve({ protocol: 'lmtp' })
  await using client = await server.ready()
  await client.command('RCPT TO:<c@h.example>', '250 *')
  client.send('BDAT 0 LAST\r\n')
  await client.expect('250 2.0.0 <b@h.example> OK: queued')
  await client.expect('250 2.0.0 <c@h.example> OK: queued')
})
