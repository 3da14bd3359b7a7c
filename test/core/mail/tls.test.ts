import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { tlsParameters } from '../../../core/mail/tls_parameters.ts'
import { certificate } from '../../support/certificates.ts'
import { handshake, tlsOf } from '../../support/tls.ts'

let folder: string
/** A certificate for mx.test and one for *.other.test, as words after `tls file`. */
let mx: string
let other: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tls-'))
  const store = async (name: string, ...names: string[]) => {
    const { cert, key } = await certificate({ names })
    await writeFile(join(folder, `${name}.pem`), cert)
    await writeFile(join(folder, `${name}.key`), key)
    return `${folder}/${name}.pem ${folder}/${name}.key`
  }
  mx = await store('mx', 'mx.test')
  other = await store('other', 'www.other.test', '*.other.test')
})

after(() => rm(folder, { recursive: true }))

/** The handshake of a client with a server that has this configuration. */
const shake = async (conf: string, client: Parameters<typeof handshake>[1] = {}) => {
  await using server = await tlsOf(conf)
  assert.ok(server.tls)
  return await handshake(server.tls, client)
}

test('tls off is no TLS, whatever else stands there', async () => {
  assert.equal((await tlsOf('tls off')).tls, null)
  assert.equal((await tlsOf('tls off at all {\nprotocols ssl3\n}')).tls, null)
})

test('a required tls that is absent is an error of the block', async () => {
  await assert.rejects(tlsOf(''), /^ConfigError: test\.conf:1:1: smtp needs tls /)
})

test('a loader may stand in front of the block', async () => {
  assert.deepEqual(await shake(`tls file ${mx}`), { protocol: 'TLSv1.3', subject: 'mx.test' })
})

test('a loader in the block has a block of its own', async () => {
  const conf = `tls {\nloader file {\ncerts ${mx.split(' ')[0]}\nkeys ${mx.split(' ')[1]}\n}\nprotocols tls1.2\n}`
  assert.deepEqual(await shake(conf), { protocol: 'TLSv1.2', subject: 'mx.test' })
})

test('a loader in the block wins over the one in front', async () => {
  assert.equal((await shake(`tls file ${mx} {\nloader file ${other}\n}`)).subject, 'www.other.test')
})

test('a loader may be a block elsewhere, with the options here', async () => {
  const conf = `tls &mine {\nprotocols tls1.2\n}\ntls.loader.file mine {\ncerts ${mx.split(' ')[0]}\nkeys ${mx.split(' ')[1]}\n}`
  assert.deepEqual(await shake(conf), { protocol: 'TLSv1.2', subject: 'mx.test' })
})

test('the block after a loader in front is not the loader’s', async () => {
  await assert.rejects(tlsOf(`tls file {\ncerts ${mx}\n}`), /tls has no directive certs/)
})

for (const conf of ['tls', 'tls {\n}', 'tls {\nprotocols tls1.2 tls1.3\n}']) {
  test(`${JSON.stringify(conf)} names no loader, which is an error`, async () => {
    await assert.rejects(tlsOf(conf), /^ConfigError: test\.conf:1:1: tls names no loader/)
  })
}

test('an unknown loader is an error', async () => {
  await assert.rejects(tlsOf('tls nosuch'), /unknown module/)
})

test('mistakes in the loader and in the options are reported together', async () => {
  await assert.rejects(tlsOf('tls file /a.pem {\nprotocols ssl3\ncurves P256\n}'), {
    message: /odd amount of arguments.*\n.*invalid TLS version value: ssl3.*\n.*unknown curve: P256/,
  })
})

const options: readonly (readonly [string, RegExp])[] = [
  ['protocols ssl3', /test\.conf:2:11: invalid TLS version value: ssl3; expected tls1\.0/],
  ['protocols', /expected 1 or 2 arguments/],
  ['protocols tls1.0 tls1.2 tls1.3', /test\.conf:2:25: protocols: expected 1 or 2 arguments/],
  ['protocols tls1.3 tls1.2', /tls1\.3 is newer than tls1\.2/],
  ['ciphers bogus', /unknown cipher: bogus/],
  ['ciphers ecdhe-rsa-with-aes128-cbc-sha', /did you mean ECDHE-RSA-WITH-AES128-CBC-SHA\?/],
  ['ciphers', /ciphers names at least one cipher/],
  ['ciphers RSA-WITH-RC4128-SHA RSA-WITH-3DES-EDE-CBC-SHA', /only ciphers that are not available/],
  ['curves P256', /unknown curve: P256; expected p256, p384, p521, X25519/],
  ['curves', /curves needs one or more of/],
]
for (const [option, message] of options) {
  test(`${option} is an error`, async () => {
    await assert.rejects(tlsOf(`tls file ${mx} {\n${option}\n}`), { name: 'ConfigError', message })
  })
}

test('all 22 ciphers are known, and the five that Node lacks are left out with a warning', async () => {
  const names = tlsParameters.ciphers.shape.values ?? []
  assert.equal(names.length, 22)
  await using server = await tlsOf(`tls file ${mx} {\nciphers ${names.join(' ')}\n}`)
  assert.equal(server.warnings.length, 5)
  assert.ok(server.tls)
  await handshake(server.tls)
})

test('a client that names a host gets the certificate for it', async () => {
  assert.equal((await shake(`tls file ${mx} ${other}`, { servername: 'a.other.test' })).subject, 'www.other.test')
  assert.equal((await shake(`tls file ${mx} ${other}`, { servername: 'mx.test' })).subject, 'mx.test')
})

test('a client that names no host, or an unknown one, gets the first certificate', async () => {
  assert.equal((await shake(`tls file ${mx} ${other}`)).subject, 'mx.test')
  assert.equal((await shake(`tls file ${mx} ${other}`, { servername: 'unknown.test' })).subject, 'mx.test')
})

const old = { ciphers: 'DEFAULT:@SECLEVEL=0' }

test('without protocols, TLS 1.0 is accepted', async () => {
  assert.equal((await shake(`tls file ${mx}`, { ...old, minVersion: 'TLSv1', maxVersion: 'TLSv1' })).protocol, 'TLSv1')
})

test('empty protocols leave it to the library, and TLS 1.0 is accepted', async () => {
  const client = { ...old, minVersion: 'TLSv1', maxVersion: 'TLSv1' } as const
  assert.equal((await shake(`tls file ${mx} {\nprotocols ""\n}`, client)).protocol, 'TLSv1')
})

test('TLS 1.1 is refused when protocols begin with 1.2', async () => {
  const client = { ...old, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' } as const
  await assert.rejects(shake(`tls file ${mx} {\nprotocols tls1.2 tls1.3\n}`, client), /protocol|alert/)
  assert.equal((await shake(`tls file ${mx} {\nprotocols tls1.1 tls1.3\n}`, client)).protocol, 'TLSv1.1')
})

test('one protocol is that version and no other', async () => {
  await assert.rejects(shake(`tls file ${mx} {\nprotocols tls1.2\n}`, { minVersion: 'TLSv1.3' }), /protocol|alert/)
  await assert.rejects(shake(`tls file ${mx} {\nprotocols tls1.3\n}`, { maxVersion: 'TLSv1.2' }), /protocol|alert/)
  assert.equal((await shake(`tls file ${mx} {\nprotocols tls1.3\n}`)).protocol, 'TLSv1.3')
})

test('ciphers limit TLS 1.2 and leave TLS 1.3 as it is', async () => {
  const conf = `tls file ${mx} {\nciphers ECDHE-ECDSA-WITH-AES256-GCM-SHA384\n}`
  const client = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' } as const
  await assert.rejects(shake(conf, client))
  assert.equal((await shake(conf, { ...client, ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' })).protocol, 'TLSv1.2')
  assert.equal((await shake(conf)).protocol, 'TLSv1.3')
})

test('curves limit the key exchange', async () => {
  const conf = `tls file ${mx} {\ncurves p384\n}`
  await assert.rejects(shake(conf, { ecdhCurve: 'X25519' }))
  assert.equal((await shake(conf, { ecdhCurve: 'P-384' })).protocol, 'TLSv1.3')
})
