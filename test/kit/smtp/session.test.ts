import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve } from './recorder.ts'

test('a message is received', async () => {
  await using server = await serve()
  await using client = await server.dial()
  await client.expect('220 mx.h.example ESMTP Service Ready')
  assert.equal(
    await client.command('EHLO client.example', '250 LIMITS RCPTMAX=20000'),
    [
      '250-Hello client.example',
      '250-PIPELINING',
      '250-8BITMIME',
      '250-ENHANCEDSTATUSCODES',
      '250-CHUNKING',
      '250-SMTPUTF8',
      '250-SIZE 33554432',
      '250 LIMITS RCPTMAX=20000',
    ].join('\n'),
  )
  await client.command('MAIL FROM:<a@h.example>', '250 2.0.0 Roger, accepting mail from <a@h.example>')
  await client.command('RCPT TO:<b@h.example>', "250 2.0.0 I'll make sure <b@h.example> gets this")
  await client.command('DATA', '354 Go ahead. End your data with <CR><LF>.<CR><LF>')
  await client.command('Subject: x\r\n\r\nHello\r\n..\r\n.', '250 2.0.0 OK: queued')
  await client.command('QUIT', '221 2.0.0 Bye')
  await client.closed()
  assert.deepEqual(server.recorder.messages, [
    { from: 'a@h.example', to: ['b@h.example'], content: 'Subject: x\r\n\r\nHello\r\n.\r\n' },
  ])
})
