import { test } from 'node:test'
import { serve } from './recorder.ts'

test('the banner says LMTP', async () => {
  await using server = await serve({ protocol: 'lmtp' })
  await using client = await server.dial()
  await client.expect('220 mx.h.example LMTP Service Ready')
})

for (const verb of ['EHLO', 'HELO']) {
  test(`${verb} is refused`, async () => {
    await using server = await serve({ protocol: 'lmtp' })
    await using client = await server.dial()
    await client.expect('220 *')
    await client.command(`${verb} c`, '500 5.5.1 This is a LMTP server, use LHLO')
  })
}

test('each recipient has a reply of its own, in the order of RCPT', async () => {
  await using server = await serve({ protocol: 'lmtp' })
  await using client = await server.ready()
  await client.command('RCPT TO:<late@h.example>', '250 *')
  await client.command('RCPT TO:<c@H.EXAMPLE>', '250 *')
  await client.command('DATA', '354 *')
  client.send('.\r\n')
  await client.expect('250 2.0.0 <b@h.example> OK: queued')
  await client.expect('550 5.2.0 <late@h.example> Too late')
  await client.expect('250 2.0.0 <c@H.EXAMPLE> OK: queued')
})

test('what is wrong with the message is told to each recipient', async () => {
  await using server = await serve({ protocol: 'lmtp', maxMessageSize: 1 })
  await using client = await server.ready()
  await client.command('RCPT TO:<c@h.example>', '250 *')
  await client.command('DATA', '354 *')
  client.send('xx\r\n.\r\n')
  await client.expect('552 5.3.4 <b@h.example> *')
  await client.expect('552 5.3.4 <c@h.example> *')
})
