import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import type { Resolver } from '../../../core/kit/dns/resolver.ts'
import { type ArcOptions, type ArcOutcome, verifyArc } from '../../../core/kit/mail_auth/arc.ts'
import { parts, sealed, sealedByHand } from './arc_support.ts'
import { ed25519Record, messageOf, plainMessage, rsaRecord, signed } from './dkim_support.ts'

const key = { TXT: [rsaRecord] }
const dns: Zone = {
  'arc._domainkey.list.example': key,
  'arc._domainkey.forwarder.example': key,
  'arc._domainkey.college.example': key,
}

const verify = async (
  text: string,
  options: Partial<ArcOptions> = {},
  records: Zone | Resolver = dns,
): Promise<ArcOutcome> =>
  await verifyArc(messageOf(text), typeof records.txt === 'function' ? (records as Resolver) : zone(records as Zone), {
    signal: AbortSignal.timeout(20_000),
    ...options,
  })

/** `pass`, or `fail` and why. */
const verdict = async (text: string, records: Zone = dns): Promise<string> => {
  const { result } = await verify(text, {}, records)
  return result.reason === undefined ? result.value : `${result.value} ${result.reason}`
}

const chain = async (length: number, text = plainMessage): Promise<string> =>
  length === 0 ? text : await sealed(await chain(length - 1, text))

test('a message without a chain has the result none', async () => {
  assert.deepEqual(await verify(plainMessage, { peer: '192.0.2.1' }), {
    result: { method: 'arc', value: 'none' },
    temporary: false,
  })
})

for (const length of [1, 2, 3, 7, 50]) {
  test(`a chain of ${length} passes`, async () => {
    assert.equal(await verdict(await chain(length)), 'pass')
  })
}

test('the result of a chain that passes names the last sealer, the client and which signatures hold', async () => {
  const text = await sealed(await sealed(plainMessage), { domain: 'forwarder.example' })
  const { result } = await verify(text, { peer: '192.0.2.1' })
  assert.deepEqual(result, {
    method: 'arc',
    value: 'pass',
    properties: { 'smtp.remote-ip': '192.0.2.1', 'header.d': 'forwarder.example', 'header.oldest-pass': '0' },
  })
})

test('a set that a hand made passes as well', async () => {
  assert.equal(await verdict(sealedByHand(plainMessage)), 'pass')
})

test('a message that was changed within its chain passes from there on', async () => {
  const changed = (await chain(2)).replace('Subject: Tea', 'Subject: [list] Tea')
  const { result } = await verify(await sealed(await sealed(changed)))
  assert.deepEqual([result.value, result.properties?.['header.oldest-pass']], ['pass', '3'])
})

test('a body that was changed behind its chain breaks it', async () => {
  const text = (await chain(2)).replace('four', 'five')
  assert.equal(await verdict(text), 'fail i=2 message signature: body hash did not verify')
})

test('a field that was changed behind its chain breaks it', async () => {
  const text = (await chain(2)).replace('Subject: Tea', 'Subject: Cake')
  assert.equal(await verdict(text), 'fail i=2 message signature: bad signature')
})

test('results that were changed break the seal', async () => {
  const text = (await chain(2)).replace('i=1; mx.list.example; spf=pass', 'i=1; mx.list.example; spf=fail')
  assert.equal(await verdict(text), 'fail i=2 seal signature validation failed')
})

test('a seal on what another one sealed is not enough', async () => {
  const broken = (await chain(1)).replace('i=1; mx.list.example; spf=pass', 'i=1; mx.list.example; spf=fail')
  assert.equal(await verdict(await sealed(broken)), 'fail i=1 seal signature validation failed')
})

test('a chain whose last seal says that it fails, fails', async () => {
  const text = (await chain(1)).replace('four', 'five')
  assert.equal(await verdict(await sealed(text, { cv: 'fail' })), 'fail i=2 cv=fail')
})

test('a first seal cannot say that the chain before it passes', async () => {
  assert.match(await verdict(sealedByHand(plainMessage, { seal: { cv: 'pass' } })), /^fail i=1 cv=/)
})

test('a chain without its first set fails', async () => {
  const text = await chain(3)
  const first = parts(parts(parts(text).rest).rest).set.join('')
  assert.equal(await verdict(text.replace(first, '')), 'fail i=2 expected=1')
})

test('a chain without a set in the middle fails', async () => {
  const text = await chain(3)
  const second = parts(parts(text).rest).set.join('')
  assert.equal(await verdict(text.replace(second, '')), 'fail i=3 expected=2')
})

test('a chain without its last set is the chain before it', async () => {
  assert.equal(await verdict(parts(await chain(3)).rest), 'pass')
})

for (const [nth, field] of ['arc-seal', 'arc-message-signature', 'arc-authentication-results'].entries()) {
  test(`a set without ${field} fails`, async () => {
    const text = await chain(2)
    assert.equal(await verdict(text.replace(parts(text).set[nth] ?? '', '')), `fail i=2 no ${field} set`)
  })

  test(`a set with ${field} twice fails`, async () => {
    const text = await chain(2)
    const twice = (parts(text).set[nth] ?? '') + text
    assert.equal(await verdict(twice), `fail i=2 multiple ${field} values`)
  })
}

for (const instance of ['51', '0', '-1', 'one', '001']) {
  test(`an instance cannot be ${instance}`, async () => {
    const text = (await chain(1)).replaceAll('i=1;', `i=${instance};`)
    assert.match(await verdict(text), /^fail invalid \w+ instance$/)
  })
}

test('a seal with h fails', async () => {
  assert.equal(await verdict(sealedByHand(plainMessage, { seal: { h: 'from' } })), 'fail i=1 unexpected as h')
})

test('a message signature that covers seals fails', async () => {
  const text = sealedByHand(plainMessage, { message: { h: 'From:ARC-Seal' } })
  assert.equal(await verdict(text), 'fail i=1 invalid ams h')
})

test('a message signature without From fails', async () => {
  const text = sealedByHand(plainMessage, { message: { h: 'Subject' } })
  assert.equal(await verdict(text), 'fail i=1 message signature: From field not signed')
})

test('a message signature of a part of the body fails', async () => {
  const text = sealedByHand(plainMessage, { message: { l: '3' } })
  assert.equal(await verdict(text), 'fail i=1 message signature: message contains an insecure body length tag')
})

test('a message signature that has expired fails', async () => {
  const text = sealedByHand(plainMessage, { message: { x: '1000000000' } })
  assert.equal(await verdict(text), 'fail i=1 message signature: expired')
})

test('an algorithm that is not known fails', async () => {
  assert.match(await verdict(sealedByHand(plainMessage, { seal: { a: 'rsa-sha1' } })), /^fail /)
  assert.match(await verdict(sealedByHand(plainMessage, { message: { a: 'rsa-sha1' } })), /^fail /)
})

test('a seal with tags that are no list fails', async () => {
  const text = sealedByHand(plainMessage, { seal: { oops: '1; nonsense' } })
  assert.match(await verdict(text), /^fail i=1 as tag-spec without/)
})

const arcKey = 'arc._domainkey.list.example'

for (const [situation, records, reason] of [
  ['no such name', {}, 'no key for signature: no such name'],
  ['a revoked key', { [arcKey]: { TXT: ['v=DKIM1; p='] } }, 'key revoked'],
  ['two keys', { [arcKey]: { TXT: [rsaRecord, rsaRecord] } }, 'multiple TXT records found for key'],
  ['a key for another hash', { [arcKey]: { TXT: [`${rsaRecord}; h=sha1`] } }, 'inappropriate hash algorithm'],
  ['a key for another service', { [arcKey]: { TXT: [`${rsaRecord}; s=tlsrpt`] } }, 'inappropriate service'],
  ['a key of another type', { [arcKey]: { TXT: [ed25519Record] } }, 'Key type does not match the seal algorithm'],
  ['a server that fails', { [arcKey]: { fails: 'SERVFAIL' } }, 'key unavailable: SERVFAIL'],
] as const) {
  test(`a chain fails whose key is ${situation}`, async () => {
    assert.equal(await verdict(await chain(1), records), `fail ${reason}`)
  })
}

test('a message signature may have another key than the seal, which has to be there', async () => {
  const text = sealedByHand(plainMessage, { message: { s: 'other' } })
  assert.equal(await verdict(text), 'fail no key for signature: no such name')
  assert.equal(await verdict(text, { ...dns, 'other._domainkey.list.example': key }), 'pass')
})

test('an older signature whose key is gone only counts as one that does not hold', async () => {
  const text = await sealed(sealedByHand(plainMessage, { message: { s: 'other' } }))
  const { result } = await verify(text)
  assert.deepEqual([result.value, result.properties?.['header.oldest-pass']], ['pass', '2'])
})

test('what stands in a failing chain is told in printable characters', async () => {
  const text = sealedByHand(plainMessage, { seal: { cv: 'n\u00e4\u0007y' } })
  assert.match(await verdict(text), /^fail [ -~]+$/)
})

const passed = 'dmarc=pass (p=reject) header.from=example.org'
const failed = 'dmarc=fail header.from=example.org'
const list = { domain: 'list.example' }
const forwarder = { domain: 'forwarder.example' }
const college = { domain: 'college.example' }

for (const [situation, author, seals, trusted] of [
  ['a trusted sealer has seen DMARC pass', 'example.org', [{ ...list, found: passed }], true],
  ['another sealer has seen DMARC pass', 'example.org', [{ ...college, found: passed }], false],
  ['a trusted sealer has seen DMARC fail', 'example.org', [{ ...list, found: failed }], false],
  ['a trusted sealer has not looked at DMARC', 'example.org', [{ ...list, found: 'spf=pass; dkim=pass' }], false],
  ['a trusted sealer has seen it pass for somebody else', 'example.com', [{ ...list, found: passed }], false],
  ['a trusted sealer does not say for whom', 'example.org', [{ ...list, found: 'dmarc=pass' }], false],
  [
    'a trusted sealer has seen it pass before another trusted one saw it fail',
    'example.org',
    [
      { ...list, found: passed },
      { ...forwarder, found: failed },
    ],
    true,
  ],
  [
    'another sealer has seen it pass before a trusted one saw it fail',
    'example.org',
    [
      { ...college, found: passed },
      { ...forwarder, found: failed },
    ],
    false,
  ],
  [
    'another sealer comes after the trusted one',
    'example.org',
    [
      { ...list, found: passed },
      { ...college, found: passed },
    ],
    false,
  ],
] as const) {
  test(`a chain ${trusted ? 'vouches' : 'does not vouch'} for the author when ${situation}`, async () => {
    let text = plainMessage.replace('ann@example.org', `ann@${author}`)
    for (const seal of seals) text = await sealed(text, seal)
    const { result } = await verify(text, { trustedSealers: ['list.example', 'forwarder.example'] })
    assert.equal(result.value, 'pass')
    assert.equal(result.properties?.['policy.trusted'], trusted ? 'yes' : undefined)
  })
}

test('domains of sealers are compared without regard to case', async () => {
  const text = await sealed(plainMessage, {
    domain: 'LIST.example',
    found: passed.replace('example.org', 'Example.ORG'),
  })
  const { result } = await verify(text, { trustedSealers: ['list.example'] })
  assert.equal(result.properties?.['policy.trusted'], 'yes')
})

test('a chain vouches for no author where there are several', async () => {
  const text = plainMessage.replace('From: Ann <ann@example.org>', 'From: ann@example.org, bob@example.net')
  const { result } = await verify(await sealed(text, { ...list, found: passed }), { trustedSealers: ['list.example'] })
  assert.deepEqual([result.value, result.properties?.['policy.trusted']], ['pass', undefined])
})

test('a chain that fails vouches for nobody', async () => {
  const text = (await sealed(plainMessage, { ...list, found: passed })).replace('four', 'five')
  const { result } = await verify(text, { trustedSealers: ['list.example'] })
  assert.deepEqual(result.properties, {})
})

test('a chain is worth another try where DNS cannot tell whether it is one to trust', async () => {
  const text = await sealed(plainMessage, { ...list, found: passed })
  const failing = { [arcKey]: { fails: 'SERVFAIL' } }
  assert.equal((await verify(text, { trustedSealers: ['list.example'] }, failing)).temporary, true)
  assert.equal((await verify(text, { trustedSealers: ['forwarder.example'] }, failing)).temporary, false)
  assert.equal((await verify(text, { trustedSealers: ['list.example'] }, {})).temporary, false)
})

test('a DKIM signature below a chain does not matter to it', async () => {
  assert.equal(await verdict(await sealed(signed(plainMessage, { tags: { bh: 'AAAA' } }))), 'pass')
})

test('who gives up does not wait for the keys of a chain', async () => {
  const resolver: Resolver = {
    ...zone(dns),
    txt: (_name, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
        controller.abort(new Error('enough'))
      }),
  }
  const controller = new AbortController()
  await assert.rejects(verify(await chain(2), { signal: controller.signal }, resolver), /enough/)
})

const impatient = { timeout: 20_000 }

test('a chain of fields that are too long to be read fails', impatient, async () => {
  const text = await sealed(plainMessage, { found: `spf=pass${' '.repeat(20_000)}x` })
  assert.equal(await verdict(text), 'fail a field is too long, or has too many blanks')
})

test('a long chain on a huge header fails before it costs much', impatient, async () => {
  const text = (await chain(20)).replace('From: Ann', `X-Filler: ${'y'.repeat(900_000)}\r\nFrom: Ann`)
  assert.equal(await verdict(text), 'fail the header is too long for so many instances')
})

test('a great many fields of a chain are no trouble', impatient, async () => {
  const text = await chain(1)
  assert.match(await verdict('ARC-Seal: i=2; a=b\r\n'.repeat(20_000) + text), /^fail i=2 multiple arc-seal values/)
})
