import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { before, test } from 'node:test'
import { createSecureContext, TLSSocket } from 'node:tls'
import { SmtpClientError } from '../../../core/kit/smtp/client/index.ts'
import { ClientTls } from '../../../core/kit/tls/index.ts'
import { certificate, type TestCertificate } from '../../support/certificates.ts'
import { behaving, scripted } from './scripted.ts'
import { ann, brief, connected, failureOf, told } from './support.ts'

let authority: TestCertificate
let own: TestCertificate
let trusting: ClientTls

before(async () => {
  authority = await certificate({ names: ['authority'], authority: true })
  own = await certificate({ names: ['localhost', '127.0.0.1'], issuer: authority })
  trusting = new ClientTls({ ca: [authority.cert] })
})

const offers = ['STARTTLS', '8BITMIME']

test('STARTTLS is followed by another EHLO, whose offers count', async () => {
  await using server = await behaving({ offers, offersSecured: ['REQUIRETLS'], certificate: own })
  await using client = await connected(server)
  const before = client.tls
  assert.equal(before, undefined)
  await client.startTls(trusting.options('localhost'))
  assert.ok(client.tls?.authorized)
  assert.ok(client.capabilities.has('REQUIRETLS'))
  assert.ok(!client.capabilities.has('8BITMIME'))
  assert.deepEqual(server.seen, ['EHLO client.example', 'STARTTLS', 'EHLO client.example'])
})

test('TLS may stand before anything else', async () => {
  const sockets: TLSSocket[] = []
  const server = createServer((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ ...own }) })
    sockets.push(secured)
    secured.on('error', () => {})
    secured.on('data', (line) => secured.write(String(line).startsWith('QUIT') ? '221 bye\r\n' : '250 ok\r\n'))
    secured.write('220 hello\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = await connected({ port }, { tls: trusting.options('127.0.0.1') })
  assert.ok(client.tls?.authorized)
  await client.quit()
  for (const socket of sockets) socket.destroy()
  server.close()
})

test('what a server said before the handshake is forgotten', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250-hello', '250 STARTTLS')
    await peer.line()
    peer.raw('220 go on\r\n250-injected\r\n250 AUTH PLAIN\r\n')
    await peer.startTls(own)
    await peer.line()
    peer.say('250 secured')
    await peer.line()
    peer.say('221 bye')
  })
  await using client = await connected(server)
  await client.startTls(trusting.options('localhost'))
  assert.ok(!client.capabilities.has('AUTH'))
})

for (const [what, tls, made] of [
  ['nobody vouches for', () => new ClientTls({}), () => own],
  ['is of another host', () => trusting, () => certificate({ names: ['other.example'], issuer: authority })],
  [
    'has expired',
    () => trusting,
    () => certificate({ issuer: authority, notBefore: new Date(0), notAfter: new Date(1e12) }),
  ],
] as const) {
  test(`a certificate that ${what} is not accepted`, async () => {
    await using server = await behaving({ offers, certificate: await made() })
    const client = await connected(server)
    const error = await failureOf(client.startTls(tls().options('localhost')))
    assert.ok(error instanceof SmtpClientError)
    assert.equal(error.kind, 'tls')
    assert.equal(told(error), '451 4.3.0 Internal server error')
    assert.ok(error.cause instanceof Error)
    assert.equal(client.open, false)
    await client.quit()
    await server.closed()
    assert.deepEqual(server.seen, ['EHLO client.example', 'STARTTLS'])
  })
}

test('a certificate need not be verified, and can be looked at', async () => {
  await using server = await behaving({ offers, certificate: own })
  await using client = await connected(server)
  await client.startTls({ ...new ClientTls({}).options('localhost'), rejectUnauthorized: false })
  assert.equal(client.tls?.authorized, false)
  assert.equal(client.tls?.getPeerX509Certificate()?.subject, 'CN=localhost')
})

test('STARTTLS that is refused leaves the connection as it was', async () => {
  await using server = await behaving({ offers, replies: { STARTTLS: '454 4.7.0 Not now' } })
  await using client = await connected(server)
  assert.equal(told(await failureOf(client.startTls(trusting.options('localhost')))), '454 4.7.0 Not now')
  await client.begin(ann).begun
})

for (const [what, instead] of [
  ['talks on in the clear', '250 what now?\r\n'.repeat(10)],
  ['closes', ''],
] as const) {
  test(`a server that ${what} instead of the handshake is given up`, async () => {
    await using server = await scripted(async (peer) => {
      peer.say('220 hello')
      await peer.line()
      peer.say('250 STARTTLS')
      await peer.line()
      peer.say('220 go on')
      if (instead === '') return
      await peer.arrived(1)
      peer.raw(instead)
      await peer.gone()
    })
    const client = await connected(server)
    const error = await failureOf(client.startTls(trusting.options('localhost')))
    assert.ok(error instanceof SmtpClientError)
    assert.equal(error.kind, 'tls')
  })
}

test('a handshake that does not come to an end is given up', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250 STARTTLS')
    await peer.line()
    peer.say('220 go on')
    await peer.gone()
  })
  const client = await connected(server, { timeouts: brief })
  const error = await failureOf(client.startTls(trusting.options('localhost')))
  assert.ok(error instanceof SmtpClientError)
  assert.equal(error.kind, 'tls')
})
