import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endpoint, sendMessage } from '../smtp/harness.ts'
import { limitsFrom } from './clock.ts'

const smtp = (more: string) => `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nlimits &x\n${more}\n}`

test('L10 with deferral it is the first recipient who is refused, without a message ID', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1')
  await using server = await endpoint(smtp(''), { instances: { x: limits } })
  using _ = await limits.message('192.0.2.1', '')
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  client.send('RCPT TO:<b@h.example>\r\n')
  while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.pass(5_000)
  await client.expect('451 4.4.5 High load, try again later')
})

test('L7 endpoints that refer to one block share its counters', async () => {
  const { limits, clock } = await limitsFrom('all concurrency 1')
  await using first = await endpoint(smtp('defer_sender_reject no'), { instances: { x: limits } })
  await using second = await endpoint(smtp('defer_sender_reject no'), { instances: { x: limits } })
  await using one = await first.greeted()
  await using two = await second.greeted()
  await one.command('MAIL FROM:<a@h.example>', '250 *')
  two.send('MAIL FROM:<a@h.example>\r\n')
  while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.pass(5_000)
  await two.expect('451 4.4.5 *')
})

for (const [what, end] of [
  ['RSET', 'RSET\r\n'],
  ['a new MAIL', 'MAIL FROM:<>\r\nRSET\r\n'],
  ['EHLO', 'EHLO again\r\n'],
  ['QUIT', 'QUIT\r\n'],
  ['the end of a message', 'RCPT TO:<b@h.example>\r\nDATA\r\nX: y\r\n.\r\n'],
  ['a message that is refused', 'RCPT TO:<b@h.example>\r\nDATA\r\nno header\r\n.\r\n'],
] as const) {
  test(`L8 ${what} frees the slot`, async () => {
    const { limits } = await limitsFrom('all concurrency 1')
    await using server = await endpoint(smtp('defer_sender_reject no'), { instances: { x: limits } })
    await using one = await server.greeted()
    await one.command('MAIL FROM:<a@h.example>', '250 *')
    one.send(end)
    await using two = await server.greeted()
    await two.command('MAIL FROM:<a@h.example>', '250 *')
  })
}

test('L8 a client that leaves frees the slot, at whatever point', async () => {
  const { limits } = await limitsFrom('all concurrency 1')
  await using server = await endpoint(smtp('defer_sender_reject no'), { instances: { x: limits } })
  const lines = ['MAIL FROM:<a@h.example>', 'RCPT TO:<b@h.example>', 'DATA', 'X: y\r\n\r\nz']
  for (let count = 1; count <= lines.length; count++) {
    const client = await server.greeted()
    await client.packet(lines.slice(0, count).join('\r\n') + (count === lines.length ? '' : '\r\n'))
    client.destroy()
  }
  await Promise.all(server.ended)
  await using client = await server.greeted()
  await sendMessage(client, 'X: y\r\n', '250 *')
  assert.equal(server.box.delivered.length, 1)
})
