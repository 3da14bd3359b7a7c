import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ConnectionOptions, TlsOptions } from 'node:tls'
import { connect, createServer } from 'node:tls'
import type { ClientTls } from '../../../core/mail/tls_client.ts'
import { tlsClient } from '../../../core/mail/tls_client.ts'
import type { TestCertificate } from '../../support/certificates.ts'
import { certificate } from '../../support/certificates.ts'
import { nodes } from '../../support/nodes.ts'
import { bareScope } from '../../support/scope.ts'

let folder: string
let authority: TestCertificate
let server: TestCertificate

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tls-client-'))
  authority = await certificate({ names: ['authority.test'], authority: true })
  server = await certificate({ names: ['mx.test', 'xn--bcher-kva.test', '127.0.0.1'], issuer: authority })
  await writeFile(join(folder, 'ca.pem'), `# a comment\n${(await certificate()).cert}${authority.cert}`)
  await writeFile(join(folder, 'empty.pem'), '')
  await writeFile(join(folder, 'broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  await writeFile(join(folder, 'cert.pem'), server.cert)
  await writeFile(join(folder, 'key.pem'), server.key)
})

after(() => rm(folder, { recursive: true }))

/** Reads `tls_client { … }`, with relative paths taken from the folder of the test. */
const clientTls = async (block: string): Promise<ClientTls> => {
  const found = await nodes(`tls_client {\n${block}\n}`)
  const owner = { text: 'target.smtp', quoted: false, at: { file: 'test.conf', line: 1, column: 1 } }
  return tlsClient()
    .default('')
    .read('tls_client', found, owner, { ...bareScope(), path: (path) => join(folder, path) })
}

/** The protocol and the client's certificate, by one handshake with a server. Rejects as the client does. */
const shake = async (client: ConnectionOptions, options: TlsOptions = {}) => {
  const { promise: seen, resolve } = Promise.withResolvers<string | undefined>()
  const tls = createServer({
    cert: server.cert,
    key: server.key,
    requestCert: true,
    rejectUnauthorized: false,
    ...options,
  })
  tls.on('secureConnection', (socket) => resolve(socket.getPeerX509Certificate()?.subject))
  tls.on('tlsClientError', () => resolve(undefined))
  tls.listen(0, '127.0.0.1')
  await once(tls, 'listening')
  const { port } = tls.address() as AddressInfo
  const socket = connect({ socket: dial(port, '127.0.0.1'), ...client })
  try {
    await once(socket, 'secureConnect')
    return { protocol: socket.getProtocol(), shown: await seen }
  } finally {
    socket.on('error', () => {})
    socket.destroy()
    tls.close()
  }
}

test('a server whose certificate an authority in root_ca has signed is accepted', async () => {
  const tls = await clientTls('root_ca ca.pem')
  assert.equal((await shake(tls.options('mx.test'))).protocol, 'TLSv1.3')
})

test('without root_ca the same server is not', async () => {
  await assert.rejects(shake((await clientTls('')).options('mx.test')), /unable to verify|self.signed|local issuer/)
})

test('the certificate has to be for the host, under its A-labels, its name with a final dot or its address', async () => {
  const tls = await clientTls('root_ca ca.pem')
  for (const host of ['bücher.test', 'mx.test.', '127.0.0.1']) await shake(tls.options(host))
  for (const host of ['other.test', '127.0.0.2']) {
    await assert.rejects(shake(tls.options(host)), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, host)
  }
})

test('an address is not sent as the name of a server', async () => {
  assert.equal((await clientTls('')).options('127.0.0.1').servername, undefined)
  assert.equal((await clientTls('')).options('bücher.test').servername, 'xn--bcher-kva.test')
})

test('cert and key are shown to a server that asks', async () => {
  const tls = await clientTls('root_ca ca.pem\ncert cert.pem\nkey key.pem')
  assert.equal((await shake(tls.options('mx.test'))).shown, 'CN=mx.test')
  assert.equal((await shake((await clientTls('root_ca ca.pem')).options('mx.test'))).shown, undefined)
})

test('versions before TLS 1.2 are spoken only when asked for', async () => {
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const
  await assert.rejects(shake((await clientTls('root_ca ca.pem')).options('mx.test'), old))
  const tls = await clientTls('root_ca ca.pem\nprotocols tls1.0 tls1.3')
  assert.equal((await shake(tls.options('mx.test'), old)).protocol, 'TLSv1.1')
})

const errors: readonly (readonly [string, RegExp])[] = [
  ['root_ca empty.pem', /test\.conf:2:1: no certificates was loaded from empty\.pem/],
  ['root_ca missing.pem', /test\.conf:2:1: missing\.pem cannot be read: ENOENT/],
  ['root_ca broken.pem', /test\.conf:2:1: /],
  ['cert cert.pem', /test\.conf:2:1: cert is of no use without key/],
  ['key key.pem', /test\.conf:2:1: key is of no use without cert/],
  ['cert empty.pem\nkey key.pem', /test\.conf:2:1: /],
  ['protocols ssl3', /invalid TLS version value: ssl3/],
  ['verify off', /tls_client has no directive verify/],
]
for (const [block, message] of errors) {
  test(`${JSON.stringify(block)} is an error`, async () => {
    await assert.rejects(clientTls(block), { name: 'ConfigError', message })
  })
}

test('the key of another certificate is an error', async () => {
  await writeFile(join(folder, 'other.pem'), (await certificate()).key)
  await assert.rejects(clientTls('cert cert.pem\nkey other.pem'), {
    name: 'ConfigError',
    message: /the key is that of another certificate/,
  })
})
