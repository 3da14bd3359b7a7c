import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import { verifyDkim } from '../../../core/kit/mail_auth/dkim.ts'
import {
  ed25519,
  ed25519Record,
  messageOf,
  plainMessage,
  rsa,
  rsaRecord,
  type SignOptions,
  signed,
  told,
} from './dkim_support.ts'

const now = Math.floor(Date.now() / 1000)
const name = 'sel._domainkey.example.org'
const short = generateKeyPairSync('rsa', { modulusLength: 512 })
const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const shortData = short.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
const ellipticData = elliptic.export({ type: 'spki', format: 'der' }).toString('base64')
const rsaData = rsaRecord.slice('v=DKIM1; k=rsa; p='.length)

interface Row {
  readonly situation: string
  readonly sign?: SignOptions
  /** The key records. */
  readonly keys?: readonly string[]
  readonly dns?: Zone
  readonly message?: string
  /** Done to the message once it is signed. */
  readonly after?: (message: string) => string
  readonly verdict: string | RegExp
}

const tags = (given: Readonly<Record<string, string | null>>): SignOptions => ({ tags: given })

const rows: readonly Row[] = [
  { situation: 'a sound signature', verdict: 'pass' },
  {
    situation: 'a tag without a value',
    sign: { extra: ' nonsense;' },
    verdict: 'permerror malformed signature tags: a tag without a value',
  },
  {
    situation: 'a name of a tag with a hyphen',
    sign: { extra: ' x-y=1;' },
    verdict: 'permerror malformed signature tags: an invalid name of a tag',
  },
  {
    situation: 'a tag that is known in small letters only',
    sign: { extra: ' D=other.example;' },
    verdict: 'permerror malformed signature tags: a name of a tag in capitals',
  },
  { situation: 'an unknown tag', sign: { extra: ' Xy=1;' }, verdict: 'pass' },
  { situation: 'an empty tag', sign: { extra: ' ;' }, verdict: 'pass' },
  { situation: 'another version', sign: tags({ v: '2' }), verdict: 'permerror incompatible signature version' },
  { situation: 'no version', sign: tags({ v: null }), verdict: 'permerror incompatible signature version' },
  ...['a', 'bh', 'd', 'h', 's'].map((tag) => ({
    situation: `no ${tag}`,
    sign: tags({ [tag]: null }),
    verdict: 'permerror signature missing required tag',
  })),
  { situation: 'an empty b', sign: tags({ b: '' }), verdict: 'permerror signature missing required tag' },
  {
    situation: 'an identity in another domain',
    sign: tags({ i: '@example.net' }),
    verdict: 'permerror domain mismatch',
  },
  {
    situation: 'an identity whose domain only ends alike',
    sign: tags({ i: '@badexample.org' }),
    verdict: 'permerror domain mismatch',
  },
  { situation: 'an identity in a subdomain', sign: tags({ i: 'ann@sub.example.org' }), verdict: 'pass' },
  { situation: 'From left out of h', sign: tags({ h: 'To:Subject' }), verdict: 'permerror From field not signed' },
  { situation: 'a time that is no number', sign: tags({ t: 'today' }), verdict: /^permerror malformed time: / },
  {
    situation: 'an expiration that is no number',
    sign: tags({ x: '-1' }),
    verdict: /^permerror malformed expiration time: /,
  },
  {
    situation: 'an expiration in the past',
    sign: tags({ x: String(now - 60) }),
    verdict: 'permerror signature has expired',
  },
  { situation: 'an expiration in the future', sign: tags({ x: String(now + 600) }), verdict: 'pass' },
  {
    situation: 'an expiration before the time of signing',
    sign: tags({ t: String(now + 600), x: String(now + 60) }),
    verdict: 'permerror invalid expiration',
  },
  {
    situation: 'an unknown query method',
    sign: tags({ q: 'finger' }),
    verdict: 'permerror unsupported public key query method',
  },
  { situation: 'an unknown query method besides the known one', sign: tags({ q: 'finger:dns/txt' }), verdict: 'pass' },
  {
    situation: 'a server of the key that fails',
    dns: { [name]: { fails: 'SERVFAIL' } },
    verdict: 'temperror key unavailable: SERVFAIL',
  },
  {
    situation: 'a server of the key that does not answer',
    dns: { [name]: { fails: 'timeout' } },
    verdict: 'temperror key unavailable: timeout',
  },
  {
    situation: 'a server of the key that refuses',
    dns: { [name]: { fails: 'REFUSED' } },
    verdict: 'temperror key unavailable: REFUSED',
  },
  { situation: 'a key name that does not exist', dns: {}, verdict: 'permerror no key for signature: no such name' },
  {
    situation: 'a key name without records',
    dns: { [name]: { A: ['192.0.2.1'] } },
    verdict: 'permerror no key for signature: no such record',
  },
  {
    situation: 'a selector that no DNS could hold',
    sign: tags({ s: 'a..b' }),
    verdict: /^permerror no key for signature: /,
  },
  {
    situation: 'two key records',
    keys: [rsaRecord, rsaRecord],
    verdict: 'permerror multiple TXT records found for key',
  },
  {
    situation: 'a key of another version',
    keys: [`v=DKIM2; p=${rsaData}`],
    verdict: 'permerror incompatible public key version',
  },
  { situation: 'a key record without a version', keys: [`p=${rsaData}`], verdict: 'pass' },
  {
    situation: 'a key record with a tag that has no value',
    keys: [`v=DKIM1; oops; p=${rsaData}`],
    verdict: /^permerror key syntax error: /,
  },
  { situation: 'a key record without a key', keys: ['v=DKIM1; k=rsa'], verdict: /^permerror key syntax error: / },
  { situation: 'a revoked key', keys: ['v=DKIM1; p='], verdict: 'permerror key revoked' },
  { situation: 'a key that is not base64', keys: ['v=DKIM1; p=a*b='], verdict: /^permerror key syntax error: / },
  { situation: 'a key that is no structure', keys: ['v=DKIM1; p=AAAA'], verdict: /^permerror key syntax error: / },
  {
    situation: 'an elliptic key that says it is RSA',
    keys: [`v=DKIM1; p=${ellipticData}`],
    verdict: /^permerror key syntax error: /,
  },
  {
    situation: 'an RSA key of 512 bits',
    keys: [`v=DKIM1; p=${shortData}`],
    verdict: 'permerror key is too short: want 1024 bits, has 512 bits',
  },
  {
    situation: 'an Ed25519 key of the wrong size',
    keys: ['v=DKIM1; k=ed25519; p=AAAA'],
    verdict: 'permerror invalid Ed25519 public key size: 3 bytes',
  },
  {
    situation: 'a key of an unknown type',
    keys: [`v=DKIM1; k=dsa; p=${rsaData}`],
    verdict: 'permerror unsupported key algorithm',
  },
  {
    situation: 'an RSA key as PKCS #1 has it',
    keys: [`v=DKIM1; p=${rsa.publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64')}`],
    verdict: 'pass',
  },
  { situation: 'an Ed25519 signature', sign: { key: ed25519.privateKey }, keys: [ed25519Record], verdict: 'pass' },
  {
    situation: 'a key that is being tested, for no subdomains',
    sign: tags({ i: '@sub.example.org' }),
    keys: [`v=DKIM1; t=y:s; p=${rsaData}`],
    verdict: 'pass',
  },
  { situation: 'an algorithm in one word', sign: tags({ a: 'rsa' }), verdict: 'permerror malformed algorithm name' },
  {
    situation: 'a hash that the key is not for',
    keys: [`v=DKIM1; h=sha1; p=${rsaData}`],
    verdict: 'permerror inappropriate hash algorithm',
  },
  {
    situation: 'a hash that is one of those of the key',
    keys: [`v=DKIM1; h=sha1:sha256; p=${rsaData}`],
    verdict: 'pass',
  },
  { situation: 'SHA-1', sign: { hash: 'sha1' }, verdict: 'permerror hash algorithm too weak: sha1' },
  { situation: 'an unknown hash', sign: tags({ a: 'rsa-md5' }), verdict: 'permerror unsupported hash algorithm' },
  {
    situation: 'an algorithm in three words',
    sign: tags({ a: 'rsa-x-sha256' }),
    verdict: 'permerror unsupported hash algorithm',
  },
  {
    situation: 'an unknown algorithm',
    sign: tags({ a: 'dsa-sha256' }),
    verdict: 'permerror inappropriate key algorithm',
  },
  {
    situation: 'an RSA key for an Ed25519 signature',
    sign: { key: ed25519.privateKey },
    verdict: 'permerror inappropriate key algorithm',
  },
  {
    situation: 'an Ed25519 key for an RSA signature',
    keys: [ed25519Record],
    verdict: 'permerror inappropriate key algorithm',
  },
  {
    situation: 'a key for another service',
    keys: [`v=DKIM1; s=tlsrpt; p=${rsaData}`],
    verdict: 'permerror inappropriate service',
  },
  { situation: 'a key for mail among others', keys: [`v=DKIM1; s=tlsrpt:email; p=${rsaData}`], verdict: 'pass' },
  { situation: 'a key for all services', keys: [`v=DKIM1; s=*; p=${rsaData}`], verdict: 'pass' },
  {
    situation: 'an unknown canonicalization of the header',
    sign: tags({ c: 'nowsp/simple' }),
    verdict: 'permerror unsupported header canonicalization algorithm',
  },
  {
    situation: 'an unknown canonicalization of the body',
    sign: tags({ c: 'relaxed/nowsp' }),
    verdict: 'permerror unsupported body canonicalization algorithm',
  },
  { situation: 'no canonicalization of the body', sign: tags({ c: 'relaxed' }), verdict: 'pass' },
  {
    situation: 'a length of the body',
    sign: tags({ l: '9' }),
    verdict: 'fail message contains an insecure body length tag',
  },
  { situation: 'a body hash that is not base64', sign: tags({ bh: '?' }), verdict: /^permerror malformed body hash: / },
  {
    situation: 'a signature that is not base64',
    sign: tags({ b: 'abc' }),
    verdict: /^permerror malformed signature: /,
  },
  {
    situation: 'another body',
    after: (message) => message.replace('four', 'five'),
    verdict: 'fail body hash did not verify',
  },
  {
    situation: 'more body',
    after: (message) => `${message}PS: not today\r\n`,
    verdict: 'fail body hash did not verify',
  },
  { situation: 'empty lines behind the body', after: (message) => `${message}\r\n\r\n`, verdict: 'pass' },
  {
    situation: 'another subject',
    after: (message) => message.replace('Tea', 'Cake'),
    verdict: 'fail signature did not verify: bad signature',
  },
  {
    situation: 'another field above those that are signed',
    after: (message) => `Received: by mx.example\r\n${message}`,
    verdict: 'pass',
  },
  {
    situation: 'a second subject above, which is not signed',
    after: (message) => `Subject: Cake\r\n${message}`,
    verdict: 'pass',
  },
  {
    situation: 'a second subject below, which is the one that counts',
    after: (message) => message.replace('\r\nDate:', '\r\nSubject: Cake\r\nDate:'),
    verdict: 'fail signature did not verify: bad signature',
  },
  {
    situation: 'a signed absence that something stands in for',
    sign: tags({ h: 'From:Subject:Reply-To' }),
    after: (message) => `Reply-To: eve@example.com\r\n${message}`,
    verdict: 'fail signature did not verify: bad signature',
  },
  {
    situation: 'a signature cut short',
    sign: tags({ b: 'AAAA' }),
    verdict: 'fail signature did not verify: bad signature',
  },
  {
    situation: 'a required field that is not signed',
    sign: tags({ h: 'From:To' }),
    verdict: 'permerror some header fields are not signed',
  },
  { situation: 'a required field in other letters', sign: tags({ h: 'FROM : sUbject' }), verdict: 'pass' },
]

for (const { situation, sign, keys = [rsaRecord], dns = { [name]: { TXT: keys } }, after, verdict } of rows) {
  test(`a DKIM verdict on ${situation}`, async () => {
    const text = signed(plainMessage, sign)
    const results = await verifyDkim(messageOf(after ? after(text) : text), zone(dns), {
      requiredFields: ['From', 'Subject'],
      signal: AbortSignal.timeout(10_000),
    })
    assert.equal(results.length, 1)
    const [found = ''] = told(results)
    if (typeof verdict === 'string') assert.equal(found, verdict)
    else assert.match(found, verdict)
  })
}
