import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { generateKey, KeyError, keyPem, parseKey, publicKeyOf, recordOf } from '../../../core/kit/dkim/index.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string =>
  key.export({ type: type as 'pkcs8', format: 'pem' }).toString()

test('RSA keys are read from PKCS#8 and PKCS#1', async () => {
  for (const type of ['pkcs8', 'pkcs1'] as const) {
    const key = await parseKey(pem(rsa, type))
    assert.equal(key.algorithm, 'rsa-sha256')
    assert.ok(key.privateKey.equals(rsa))
  }
})

test('Ed25519 keys are read from PKCS#8', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const key = await parseKey(pem(privateKey))
  assert.equal(key.algorithm, 'ed25519-sha256')
  assert.ok(key.privateKey.equals(privateKey))
})

test('the first block of a file counts, whatever stands around it', async () => {
  const key = await parseKey(
    `the key\r\n${pem(rsa).replaceAll('\n', '\r\n')}more\n${pem(generateKeyPairSync('ed25519').privateKey)}`,
  )
  assert.ok(key.privateKey.equals(rsa))
})

const refused: readonly [what: string, text: () => string, reason: RegExp][] = [
  [
    'an ECDSA key in its own format',
    () => pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, 'sec1'),
    /ECDSA/,
  ],
  ['an ECDSA key in PKCS#8', () => pem(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey), /ECDSA/],
  ['an X25519 key', () => pem(generateKeyPairSync('x25519').privateKey), /x25519/],
  ['a key for RSA-PSS alone', () => pem(generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey), /rsa-pss/],
  [
    'an RSA key too short for verifiers',
    () => pem(generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey),
    /512 bits/,
  ],
  [
    'a public key',
    () => generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    /PUBLIC KEY/,
  ],
  [
    'an encrypted key',
    () => rsa.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }).toString(),
    /ENCRYPTED PRIVATE KEY/,
  ],
  ['an empty text', () => '', /not in PEM/],
  ['half a block', () => pem(rsa).slice(0, 400), /not in PEM/],
  [
    'a block of something else',
    () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    /cannot be decoded/,
  ],
]

for (const [what, text, reason] of refused) {
  test(`${what} is refused`, async () => {
    await assert.rejects(parseKey(text()), (error) => {
      assert.ok(error instanceof KeyError)
      assert.match(error.message, reason)
      return true
    })
  })
}

test('an RSA key whose numbers contradict each other is refused', async () => {
  const jwk = rsa.export({ format: 'jwk' })
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  const damaged = createPrivateKey({ format: 'jwk', key: { ...jwk, n: other.n ?? '' } })
  await assert.rejects(parseKey(pem(damaged)), { name: 'KeyError', message: 'its RSA key is damaged' })
})

test('new keys are of the algorithm asked for, and can be read again', async () => {
  const sizes = { rsa2048: 2048, rsa4096: 4096 } as const
  for (const [algorithm, bits] of Object.entries(sizes)) {
    const key = await generateKey(algorithm as keyof typeof sizes)
    assert.equal(key.privateKey.asymmetricKeyDetails?.modulusLength, bits)
    assert.ok((await parseKey(keyPem(key))).privateKey.equals(key.privateKey))
  }
  assert.equal((await generateKey('ed25519')).algorithm, 'ed25519-sha256')
})

test('the record of an RSA key has its SubjectPublicKeyInfo', async () => {
  const key = await parseKey(pem(rsa))
  assert.match(recordOf(key), /^v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A[A-Za-z0-9+/]+QAB$/)
})

test('the record of an Ed25519 key has its 32 bytes, as in the example of RFC 8463', async () => {
  const seed = Buffer.from('nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=', 'base64')
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const key = await parseKey(pem(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })))
  assert.equal(publicKeyOf(key), '11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=')
  assert.equal(recordOf(key), 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=')
})
