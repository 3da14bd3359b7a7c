import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { before, test } from 'node:test'
import { type ConnectionOptions, connect, type SecureContextOptions, TLSSocket } from 'node:tls'
import type { SaslChannel } from '../../../core/kit/sasl/index.ts'
import { certificateUsers, ServerCertificates, tlsChannel } from '../../../core/kit/tls/index.ts'
import { certificate, type TestCertificate } from '../../support/certificates.ts'

let server: TestCertificate
let authority: TestCertificate
let ann: TestCertificate

before(async () => {
  server = await certificate()
  authority = await certificate({ names: ['authority'], authority: true })
  ann = await certificate({ names: ['Ann'], emails: ['ann@ex.test'], issuer: authority })
})

interface Options {
  readonly asks?: boolean
  readonly client?: ConnectionOptions
  readonly maxVersion?: SecureContextOptions['maxVersion']
}

/** Both ends of a connection: what the server makes of it, and the socket of the client. */
const connected = async ({ asks = true, client = {}, maxVersion }: Options = {}) => {
  const protocols = { protocols: { max: maxVersion } }
  const tls = new ServerCertificates({ certificates: [server] }, protocols, asks ? [authority.cert] : [])
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
  const listener = createServer((socket) => {
    const secured = new TLSSocket(socket, { isServer: true, ...tls.options() })
    secured.once('secure', () => resolve(secured)).on('error', reject)
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...client })
  await once(socket, 'secureConnect')
  const secured = await promise
  const channel: SaslChannel = tlsChannel(secured)
  return {
    channel,
    client: socket,
    [Symbol.dispose]() {
      socket.on('error', () => {}).destroy()
      secured.destroy()
      listener.close()
    },
  }
}

test('both ends of a TLS 1.3 connection have a binding in common, and other connections have others', async () => {
  using first = await connected()
  using second = await connected()
  const ours = first.channel.binding('tls-exporter')
  const theirs = first.client.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  assert.deepEqual(Buffer.from(ours ?? []), theirs)
  assert.notDeepEqual(second.channel.binding('tls-exporter'), ours)
})

test('before TLS 1.3 the exporter may not be unique, and is no binding', async () => {
  using connection = await connected({ maxVersion: 'TLSv1.2' })
  assert.equal(connection.channel.binding('tls-exporter'), undefined)
})

test('the certificate of the server can be a binding too', async () => {
  using connection = await connected()
  const { raw } = connection.client.getPeerCertificate()
  const expected = createHash('sha256').update(raw).digest()
  assert.deepEqual(connection.channel.binding('tls-server-end-point'), expected)
})

test('there are no other bindings', async () => {
  using connection = await connected()
  assert.equal(connection.channel.binding('tls-unique'), undefined)
  assert.equal(connection.channel.binding('toString'), undefined)
})

test('a certificate that an authority vouches for is told', async () => {
  using connection = await connected({ client: ann })
  assert.equal(connection.channel.certificate?.subject, 'CN=Ann')
  using named = await connected({ client: { ...ann, servername: 'localhost' } })
  assert.equal(named.channel.certificate?.subject, 'CN=Ann')
})

test('clients are served without a certificate, and with one that nobody vouches for, which is not told', async () => {
  using without = await connected()
  assert.equal(without.channel.certificate, undefined)
  const forged = await certificate({ names: ['Ann'], emails: ['ann@ex.test'] })
  using stranger = await connected({ client: forged })
  assert.equal(stranger.channel.certificate, undefined)
})

test('a certificate of somebody who is no authority vouches for nobody', async () => {
  const { cert, key } = await certificate({ names: ['Eve'], emails: ['eve@ex.test'], issuer: ann })
  using connection = await connected({ client: { cert: cert + ann.cert, key } })
  assert.equal(connection.channel.certificate, undefined)
})

test('a certificate that has expired is not told', async () => {
  const past = new Date(Date.now() - 60_000)
  const expired = await certificate({ names: ['Ann'], issuer: authority, notAfter: past })
  using connection = await connected({ client: expired })
  assert.equal(connection.channel.certificate, undefined)
})

test('a certificate is not asked for, and not told, where there is no authority', async () => {
  using connection = await connected({ asks: false, client: ann })
  assert.equal(connection.channel.certificate, undefined)
})

test('a session that is resumed carries the certificate no further than a new one', async () => {
  const sessions: Buffer[] = []
  using first = await connected({ client: ann, maxVersion: 'TLSv1.2' })
  const session = first.client.getSession()
  if (session) sessions.push(session)
  using second = await connected({ client: { session: sessions[0] }, maxVersion: 'TLSv1.2' })
  assert.equal(second.client.isSessionReused(), false)
  assert.equal(second.channel.certificate, undefined)
})

test('a certificate stands for its e-mail addresses, or else for its common name', async () => {
  const users = async (options: Parameters<typeof certificate>[0]) =>
    certificateUsers(new X509Certificate((await certificate(options)).cert))
  assert.deepEqual(await users({ names: ['Ann'], emails: ['ann@ex.test', 'a@ex.test'] }), ['ann@ex.test', 'a@ex.test'])
  assert.deepEqual(await users({ names: ['Ann'] }), ['Ann'])
})

test('an address cannot be smuggled into a certificate within another name', async () => {
  for (const names of [['x, email:root@ex.test'], ['x", email:"root@ex.test'], ['x\\", email:root@ex.test']]) {
    const { cert } = await certificate({ names, emails: ['eve, email:root@ex.test'] })
    assert.deepEqual(certificateUsers(new X509Certificate(cert)), ['eve, email:root@ex.test'])
  }
})
