import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zone } from '../../../core/kit/dns/memory.ts'
import type { Resolver } from '../../../core/kit/dns/resolver.ts'
import { evaluateDmarc, publishedPolicy } from '../../../core/kit/mail_auth/index.ts'
import { arc, dkim, headerOf, judge, nothing, policies, spf, summary } from './dmarc_support.ts'

const reject = policies({ 'example.com': 'v=DMARC1; p=reject' })
const quarantine = policies({ 'example.com': 'v=DMARC1; p=quarantine' })
const from = 'Ann <ann@example.com>'

test('a message that nobody vouches for is refused where its author says so', async () => {
  const { result, policy, error } = await judge(from, nothing, reject)
  assert.deepEqual(result, {
    method: 'dmarc',
    value: 'fail',
    reason: 'No aligned identifiers',
    properties: { 'header.from': 'example.com' },
  })
  assert.equal(policy, 'reject')
  assert.equal(`${error?.code} ${error?.enhanced} ${error?.message}`, '550 5.7.1 DMARC check failed')
})

test('what the checks found is told to the log', async () => {
  const { error } = await judge(from, [spf('softfail', 'forger.example'), dkim('fail', 'list.example')], reject)
  assert.deepEqual(error?.fields, {
    check: 'dmarc',
    reason: 'No aligned identifiers',
    dkim_res: 'fail',
    dkim_domain: 'list.example',
    spf_res: 'softfail',
    spf_from: 'forger.example',
  })
})

test('a message that passes has no reason and no error', async () => {
  const verdict = await judge(from, [spf('pass', 'example.com'), dkim('none')], reject)
  assert.deepEqual(verdict, {
    result: { method: 'dmarc', value: 'pass', properties: { 'header.from': 'example.com' } },
    policy: 'none',
  })
})

test('an author without a policy is told as none', async () => {
  const { result } = await judge(from, nothing, {})
  assert.deepEqual(result, { method: 'dmarc', value: 'none', properties: { 'header.from': 'example.com' } })
})

for (const [missing, results] of [
  ['DKIM', [spf('fail', 'forger.example')]],
  ['SPF', [dkim('none')]],
  ['either', []],
] as const) {
  test(`without a check of ${missing} nothing is judged`, async () => {
    const { result, policy } = await judge(from, results, reject)
    assert.equal(result.value, 'none')
    assert.equal(result.reason, 'Not enough information (required checks are disabled)')
    assert.equal(policy, 'none')
  })
}

const deferred = 'temperror reject 450 4.7.1'

for (const fails of ['SERVFAIL', 'timeout', 'REFUSED']) {
  test(`a policy that DNS does not tell (${fails}) defers the message`, async () => {
    const verdict = await judge(from, nothing, { '_dmarc.example.com': { fails } })
    assert.equal(summary(verdict), deferred)
    assert.match(verdict.result.reason ?? '', /^Policy lookup failed: /)
    assert.equal(verdict.error?.message, 'DMARC check failed')
  })
}

test('a policy that DNS does not tell defers the message whatever checks there are', async () => {
  assert.equal(summary(await judge(from, [], { '_dmarc.example.com': { fails: 'SERVFAIL' } })), deferred)
})

test('a message of a subdomain is deferred when the policy above it cannot be had', async () => {
  assert.equal(
    summary(await judge('a@sub.example.com', nothing, { '_dmarc.example.com': { fails: 'timeout' } })),
    deferred,
  )
})

test('a failure above the record of the domain itself is of no interest where SPF aligns by name', async () => {
  const records = {
    ...policies({ 'sub.example.com': 'v=DMARC1; p=reject' }),
    '_dmarc.example.com': { fails: 'timeout' },
  }
  assert.equal(
    summary(await judge('a@sub.example.com', [spf('pass', 'sub.example.com'), dkim('none')], records)),
    'pass none',
  )
})

test('a message is deferred when DNS does not tell whether a sibling aligns', async () => {
  const records = {
    ...policies({ 'sub.example.com': 'v=DMARC1; p=reject' }),
    '_dmarc.example.com': { fails: 'timeout' },
  }
  const verdict = await judge('a@sub.example.com', [spf('pass', 'other.example.com'), dkim('none')], records)
  assert.equal(summary(verdict), deferred)
  assert.match(verdict.result.reason ?? '', /^Alignment lookup failed: /)
})

test('a message is deferred when DNS does not tell whether its domain exists, and that would matter', async () => {
  const records = {
    ...policies({ 'example.com': 'v=DMARC1; p=none; np=reject' }),
    'no.example.com': { fails: 'timeout' },
  }
  assert.equal(summary(await judge('a@no.example.com', nothing, records)), deferred)
})

test('a signature that could not be checked defers a message which would have been refused', async () => {
  const verdict = await judge(from, [spf('fail', 'forger.example'), dkim('temperror', 'mail.example.com')], reject)
  assert.equal(summary(verdict), deferred)
  assert.equal(verdict.result.reason, 'DKIM authentication temp error')
})

test('a signature that could not be checked quarantines a message which would have been quarantined', async () => {
  const verdict = await judge(from, [spf('fail', 'forger.example'), dkim('temperror', 'example.com')], quarantine)
  assert.deepEqual([verdict.result.value, verdict.policy], ['temperror', 'quarantine'])
})

test('a signature of somebody else that could not be checked changes nothing', async () => {
  const verdict = await judge(from, [spf('fail', 'forger.example'), dkim('temperror', 'sample.net')], reject)
  assert.equal(summary(verdict), 'fail reject 550 5.7.1')
})

test('SPF that could not be checked defers a message which would have been refused', async () => {
  const verdict = await judge(from, [spf('temperror', 'example.com'), dkim('fail', 'example.com')], reject)
  assert.equal(summary(verdict), deferred)
  assert.equal(verdict.result.reason, 'SPF authentication temp error')
})

test('SPF that could not be checked is of no interest where a signature aligns', async () => {
  const verdict = await judge(from, [spf('temperror', 'example.com'), dkim('pass', 'example.com')], reject)
  assert.equal(summary(verdict), 'pass none')
})

for (const [what, lines, problem] of [
  ['no From field', ['Subject: x'], 'missing From header field'],
  ['two From fields', ['From: a@example.com', 'From: b@example.com'], 'multiple From header fields are not allowed'],
  ['a From field that is empty', ['From: '], 'missing address in From field'],
  ['a From field with an empty group', ['From: nobody:;'], 'missing address in From field'],
  ['a From field without an address', ['From: just a name'], 'malformed From header field'],
  ['a From field with a broken address', ['From: <a@b'], 'malformed From header field'],
  [
    'authors of two domains',
    ['From: a@example.com, b@example.net'],
    'multiple addresses in From field are not allowed',
  ],
] as const) {
  test(`${what} is a permanent error, and no policy is applied`, async () => {
    const verdict = await judge(lines, nothing, reject)
    assert.deepEqual(verdict, {
      result: { method: 'dmarc', value: 'permerror', reason: `Policy lookup failed: dmarc: ${problem}` },
      policy: 'none',
    })
  })
}

test('several authors of one domain are judged as one', async () => {
  assert.equal(summary(await judge('a@example.com, "B, C" <b@EXAMPLE.com>', nothing, reject)), 'fail reject 550 5.7.1')
})

test('an author is the address, not what its name says', async () => {
  assert.equal(summary(await judge('"x@sample.net" <a@example.com>', nothing, reject)), 'fail reject 550 5.7.1')
})

test('a quoted local part with an @ has one domain', async () => {
  assert.equal(summary(await judge('"a@sample.net"@example.com', nothing, reject)), 'fail reject 550 5.7.1')
})

test('a trusted ARC chain keeps the policy from being applied, and that is told', async () => {
  const { result, policy, error } = await judge(from, [...nothing, arc('pass', { 'policy.trusted': 'yes' })], reject)
  assert.deepEqual([result.value, policy, error], ['fail', 'none', undefined])
  assert.equal(result.reason, 'No aligned identifiers; a trusted ARC chain passes')
})

test('an ARC chain of somebody who is not trusted changes nothing', async () => {
  assert.equal(
    summary(await judge(from, [...nothing, arc('pass', { 'policy.trusted': '' })], reject)),
    'fail reject 550 5.7.1',
  )
})

test('a trusted ARC chain that is broken changes nothing', async () => {
  const verdict = await judge(from, [...nothing, arc('fail', { 'policy.trusted': 'yes' })], reject)
  assert.equal(summary(verdict), 'fail reject 550 5.7.1')
})

test('a trusted ARC chain does not make up for a policy that cannot be had', async () => {
  const results = [...nothing, arc('pass', { 'policy.trusted': 'yes' })]
  assert.equal(summary(await judge(from, results, { '_dmarc.example.com': { fails: 'timeout' } })), deferred)
})

test('a message with a thousand signatures is judged with a few questions to DNS', async () => {
  const records = zone(reject)
  const asked: string[] = []
  const dns: Resolver = Object.assign(zone({}), {
    txt: (name: string, signal?: AbortSignal) => {
      asked.push(name)
      return records.txt(name, signal)
    },
  })
  const signatures = Array.from({ length: 1000 }, (_, index) => dkim('pass', `s${index}.example.com`))
  const header = headerOf('a@example.com')
  await evaluateDmarc({ header, results: [spf('none', ''), ...signatures] }, dns, AbortSignal.timeout(10_000))
  assert.ok(asked.length < 40, `${asked.length} questions`)
})

test('an evaluation ends when it is called off, with the reason why', async () => {
  const never: Resolver['txt'] = (_name, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const stop = new AbortController()
  const dns: Resolver = Object.assign(zone({}), { txt: never })
  const verdict = evaluateDmarc({ header: headerOf(from), results: nothing }, dns, stop.signal)
  const reason = new Error('the client has left')
  stop.abort(reason)
  await assert.rejects(verdict, reason)
})

const published = (author: string | readonly string[], records: Parameters<typeof zone>[0]) =>
  publishedPolicy(headerOf(author), zone(records), AbortSignal.timeout(10_000))

test('the published policy is that of the author', async () => {
  assert.equal(await published(from, reject), 'reject')
})

test('the published policy of a subdomain is that which the organisation has for it', async () => {
  const records = policies({ 'example.com': 'v=DMARC1; p=reject; sp=quarantine' })
  assert.equal(await published('a@sub.example.com', records), 'quarantine')
})

test('the published policy is none where the record says so', async () => {
  assert.equal(await published(from, policies({ 'example.com': 'v=DMARC1; p=none' })), 'none')
})

for (const [why, author, records] of [
  ['there is no record', from, {}],
  ['DNS fails', from, { '_dmarc.example.com': { fails: 'SERVFAIL' } }],
  ['the record is of no use', from, policies({ 'example.com': 'v=DMARC1; p=maybe' })],
  ['the From field is of no use', ['From: a@example.com', 'From: a@example.com'], reject],
  ['there are authors of two domains', 'a@example.com, b@example.net', reject],
] as const) {
  test(`no published policy is known when ${why}`, async () => {
    assert.equal(await published(author, records), undefined)
  })
}
