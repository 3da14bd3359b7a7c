import assert from 'node:assert/strict'
import { test } from 'node:test'
import { certificate } from '../../support/certificates.ts'
import { dial, dialTls } from '../../support/wire.ts'
import { endpoint, sendMessage } from './harness.ts'

const instances = { cert: { certificates: [await certificate()] } }
const smtp = (more = '', scheme = 'tcp') =>
  `smtp ${scheme}://127.0.0.1:0 {\nhostname mx.h.example\ntls &cert\n${more}\n}`

test('S3 with TLS to be had, passwords need it', async () => {
  await using server = await endpoint(smtp('auth dummy'), { instances })
  await using client = await server.dial()
  const lines = await client.command('EHLO c', '250 *')
  assert.match(lines, /STARTTLS/)
  assert.doesNotMatch(lines, /AUTH/)
  await client.command('AUTH PLAIN', '523 5.7.10 TLS is required')
})

test('S4 unless that is waived', async () => {
  await using server = await endpoint(smtp('auth dummy\ninsecure_auth'), { instances })
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /AUTH PLAIN\n250-SMTPUTF8/)
  await client.command('AUTH PLAIN AGEAYg==', '235 *')
})

test('S5 after STARTTLS the message came by ESMTPS', async () => {
  await using server = await endpoint(smtp('auth dummy'), { instances })
  await using client = await server.greeted()
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  const lines = await client.command('EHLO c', '250 *')
  assert.match(lines, /AUTH PLAIN\n250-SMTPUTF8\n250-REQUIRETLS/)
  await sendMessage(client, 'X: y\r\n\r\n', '250 *', { from: '<a@h.example> REQUIRETLS' })
  const [delivered] = server.box.delivered
  assert.match(delivered?.header.replaceAll('\r\n ', ' ') ?? '', /with ESMTPS id/)
  assert.equal(delivered?.envelope.requireTls, true)
})

test('S6 without TLS passwords are taken as they come', async () => {
  await using server = await endpoint('smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nauth dummy\n}')
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /AUTH PLAIN/)
})

test('S7 LOGIN is offered when it is asked for', async () => {
  await using server = await endpoint(
    'smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nauth dummy\nsasl_login yes\n}',
  )
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /AUTH PLAIN LOGIN/)
})

test('a tls:// address speaks TLS from the start', async () => {
  await using server = await endpoint(smtp('', 'tls'), { instances })
  await using client = await dialTls(server.ports[0] ?? 0)
  await client.expect('220 mx.h.example ESMTP Service Ready')
  assert.doesNotMatch(await client.command('EHLO c', '250 *'), /STARTTLS/)
  await sendMessage(client, 'X: y\r\n\r\n', '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.protocol, 'ESMTPS')
})

test('a client that closes its side before the handshake of a tls:// address ends its session', async () => {
  await using server = await endpoint(smtp('', 'tls'), { instances })
  await using client = await dial(server.ports[0] ?? 0)
  client.end()
  await client.closed()
  await Promise.all(server.ended)
})

test('a certificate that is too weak for the protocols stops the start', async () => {
  const weak = await certificate({ weak: true })
  const strict = { cert: { certificates: [weak] } }
  const block = 'smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls &cert {\nprotocols tls1.2 tls1.3\n}\n}'
  await assert.rejects(endpoint(block, { instances: strict }), /tls cannot be used: .*key too small/)
})

test('the login name goes with the message', async () => {
  await using server = await endpoint(smtp('auth dummy\ninsecure_auth'), { instances })
  await using client = await server.greeted()
  await client.command(`AUTH PLAIN ${Buffer.from('\0Ann\0x').toString('base64')}`, '235 *')
  await sendMessage(client, 'X: y\r\n\r\n', '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.user, 'Ann')
  assert.equal(server.logged('incoming message')[0]?.username, 'Ann')
})

test('STARTTLS forgets who has logged in', async () => {
  await using server = await endpoint(smtp('auth dummy\ninsecure_auth'), { instances })
  await using client = await server.greeted()
  await client.command('AUTH PLAIN AGEAYg==', '235 *')
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  await client.command('EHLO c', '250 *')
  await sendMessage(client, 'X: y\r\n\r\n', '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.user, null)
})
