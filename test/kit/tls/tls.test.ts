import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getCiphers } from 'node:tls'
import {
  cipherNames,
  parseCipher,
  parseProtocols,
  pemCertificates,
  ServerCertificates,
} from '../../../core/kit/tls/index.ts'
import { certificate } from '../../support/certificates.ts'
import { handshake } from '../../support/tls.ts'

test('each of the 22 names is that of a cipher of OpenSSL, or of none that Node has', () => {
  const known = new Set(getCiphers())
  const [some, none] = [
    cipherNames.filter((name) => parseCipher(name) !== null),
    cipherNames.filter((name) => parseCipher(name) === null),
  ]
  assert.equal(some.length, 17)
  for (const name of some) assert.ok(known.has(String(parseCipher(name)).toLowerCase()), name)
  assert.ok(none.every((name) => /RC4|3DES/.test(name)))
})

test('the names of ciphers have their exchange in front', () => {
  assert.equal(parseCipher('RSA-WITH-AES128-CBC-SHA'), 'AES128-SHA')
  assert.equal(parseCipher('ECDHE-RSA-WITH-CHACHA20-POLY1305'), 'ECDHE-RSA-CHACHA20-POLY1305')
  assert.equal(parseCipher('ECDHE-ECDSA-WITH-AES256-GCM-SHA384'), 'ECDHE-ECDSA-AES256-GCM-SHA384')
  assert.throws(() => parseCipher('RSA-WITH-CHACHA20-POLY1305'), RangeError)
})

test('versions may be left to the library at either end', () => {
  assert.deepEqual(parseProtocols('', 'tls1.2'), { min: undefined, max: 'TLSv1.2' })
  assert.deepEqual(parseProtocols('tls1.2', ''), { min: 'TLSv1.2', max: undefined })
})

test('a file may hold several certificates, with text around them', async () => {
  const [one, two] = [await certificate(), await certificate()]
  assert.deepEqual(
    pemCertificates(`# one\n${one.cert}# two\r\n${two.cert.replaceAll('\n', '\r\n')}`).map((pem) =>
      pem.replaceAll('\r', ''),
    ),
    [one.cert.trim(), two.cert.trim()],
  )
  assert.deepEqual(pemCertificates(one.key), [])
})

test('a source that is exact serves nobody who names another host', async () => {
  const certificates = [await certificate({ names: ['mx.test'] })]
  const tls = new ServerCertificates({ certificates, exact: true }, {})
  assert.equal((await handshake(tls, { servername: 'mx.test' })).subject, 'mx.test')
  assert.equal((await handshake(tls)).subject, 'mx.test')
  await assert.rejects(handshake(tls, { servername: 'other.test' }))
})

test('without a certificate every handshake fails, until there is one', async () => {
  const source = { certificates: [] as readonly Awaited<ReturnType<typeof certificate>>[] }
  const tls = new ServerCertificates(source, {})
  await assert.rejects(handshake(tls))
  source.certificates = [await certificate({ names: ['mx.test'] })]
  assert.equal((await handshake(tls)).subject, 'mx.test')
})

test('contexts are made anew only when the certificates change', async () => {
  const source = { certificates: [await certificate()] }
  const tls = new ServerCertificates(source, {})
  const first = tls.options().secureContext
  assert.equal(tls.options().secureContext, first)
  source.certificates = [...source.certificates]
  assert.notEqual(tls.options().secureContext, first)
})
