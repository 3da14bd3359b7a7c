import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serve, tlsOptions } from './recorder.ts'

test('STARTTLS is offered, and AUTH is not, before TLS', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.dial()
  await client.expect('220 *')
  const lines = await client.command('EHLO c', '250 *')
  assert.match(lines, /CHUNKING\n250-STARTTLS\n250-SMTPUTF8/)
  assert.doesNotMatch(lines, /AUTH|REQUIRETLS/)
})

test('after STARTTLS a new greeting is due, which offers AUTH and REQUIRETLS', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.ready()
  await client.command('STARTTLS', '220 2.0.0 Ready to start TLS')
  await client.startTls({ servername: 'mx.h.example' })
  await client.command('MAIL FROM:<a@h.example>', '502 5.5.1 Please introduce yourself first.')
  const lines = await client.command('EHLO c', '250 *')
  assert.match(lines, /CHUNKING\n250-AUTH PLAIN\n250-SMTPUTF8\n250-REQUIRETLS\n250-SIZE/)
  assert.doesNotMatch(lines, /STARTTLS/)
  await client.command('STARTTLS', '502 5.5.1 Already running in TLS')
  await client.command('RCPT TO:<b@h.example>', '502 5.5.1 *')
  assert.deepEqual(server.recorder.events, [
    'reset',
    'greet client.example',
    'reset',
    'secured',
    'reset',
    'greet c tls',
  ])
})

test('a message is received over TLS', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  await client.command('EHLO c', '250 *')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('x\r\n.', '250 *')
  await client.command('QUIT', '221 *')
  await client.closed()
  assert.equal(server.recorder.messages.length, 1)
})

test('what is piped behind STARTTLS is dropped', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.greeted()
  client.send(`STARTTLS\r\n${'EHLO evil\r\nMAIL FROM:<evil@h.example>\r\n'.repeat(200)}`)
  await client.expect('220 2.0.0 *')
  await client.startTls()
  await client.command('MAIL FROM:<a@h.example>', '502 5.5.1 Please introduce yourself first.')
  assert.ok(!server.recorder.events.includes('greet evil'))
})

test('a handshake that fails ends the connection', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  client.send('this is no ClientHello\r\n')
  await client.rest()
  await Promise.all(server.ended)
  assert.equal(server.failures.length, 1)
})

test('a client that leaves during the handshake leaves nothing behind', async () => {
  await using server = await serve(await tlsOptions())
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  client.destroy()
  await Promise.all(server.ended)
  assert.equal(server.recorder.events.at(-1), 'close')
})
