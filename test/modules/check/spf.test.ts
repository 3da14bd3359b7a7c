import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Envelope, Inspection, Origin, Resolver, Verdict } from '../../../core/index.ts'
import { Check, ConfigError } from '../../../core/index.ts'
import type { Zone } from '../../../core/kit/dns/index.ts'
import { zone } from '../../../core/kit/dns/index.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'

const patient = () => AbortSignal.timeout(20_000)

const sentBy = (from: string, origin: Partial<Origin> = {}): Envelope => {
  const envelope = { ...sampleEnvelope('rewritten@elsewhere.example'), originalReversePath: from }
  const peer = { ip: '192.0.2.1', port: 2525 }
  return { ...envelope, origin: { ...envelope.origin, helo: 'h.test', peer, ...origin } }
}

interface Sent {
  readonly dns?: Zone | Resolver
  readonly from?: string
  readonly origin?: Partial<Origin>
  /** Of the message. */
  readonly author?: string
}

/** What the check finds about the client, and about the message. */
const judged = async (directives: string, { dns = {}, from = 'a@ex.test', origin, author = 'a@ex.test' }: Sent) => {
  const resolver = typeof dns.txt === 'function' ? (dns as Resolver) : zone(dns as Zone)
  await using made = await instance(Check, `check.spf {\n${directives}\n}`, { dns: resolver })
  await using inspection = ended(made.api.begin(sentBy(from, origin)))
  const connection = await inspection.connection?.(patient())
  const message = await inspection.message?.(sampleMessage(`From: ${author}\r\n`), patient())
  return { connection, message }
}

const ended = (inspection: Inspection): Inspection & AsyncDisposable => ({
  ...inspection,
  [Symbol.asyncDispose]: async () => inspection[Symbol.asyncDispose]?.(),
})

/** `quarantine 550 5.7.23 Text`. */
const shown = ({ action, reason }: Verdict = {}): string =>
  reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'nothing'

const spf = (record: string): Zone => ({ 'ex.test': { TXT: [record] } })
const dmarc = (record: string, domain = 'ex.test'): Zone => ({ [`_dmarc.${domain}`]: { TXT: [record] } })

for (const [value, dns, directive, byDefault, reply] of [
  ['none', {}, 'none_action', 'ignore', '550 5.7.23 No SPF policy'],
  ['neutral', spf('v=spf1 ?all'), 'neutral_action', 'ignore', '550 5.7.23 Neutral SPF result is not permitted'],
  ['fail', spf('v=spf1 -all'), 'fail_action', 'quarantine', '550 5.7.23 SPF authentication failed'],
  ['softfail', spf('v=spf1 ~all'), 'softfail_action', 'ignore', '550 5.7.23 SPF authentication soft-failed'],
  [
    'temperror',
    { 'ex.test': { fails: 'SERVFAIL' } },
    'temperr_action',
    'ignore',
    '451 4.7.23 SPF authentication failed with a temporary error',
  ],
  [
    'permerror',
    spf('v=spf1 moo'),
    'permerr_action',
    'ignore',
    '550 5.7.23 SPF authentication failed with a permanent error',
  ],
] as const) {
  test(`the result ${value} is: ${byDefault}, unless told otherwise`, async () => {
    const { message } = await judged('', { dns })
    assert.equal(shown(message), `${byDefault} ${reply}`)
  })

  test(`${directive} says what is done about ${value}`, async () => {
    const { message } = await judged(`${directive} reject`, { dns })
    assert.equal(shown(message), `reject ${reply}`)
  })

  test(`${directive} may have words of its own`, async () => {
    const { message } = await judged(`${directive} reject 471 4.7.9 "not now"`, { dns })
    assert.equal(shown(message), 'reject 471 4.7.9 not now')
  })

  test(`the result ${value} is told whatever is done about it`, async () => {
    const { message } = await judged(`${directive} ignore`, { dns })
    assert.deepEqual(
      message?.results?.map((each) => each.value),
      [value],
    )
  })
}

test('a client that may use the domain passes, and that is told', async () => {
  const { connection, message } = await judged('', { dns: spf('v=spf1 ip4:192.0.2.0/24 -all') })
  assert.equal(connection, undefined)
  const properties = { 'smtp.helo': 'h.test', 'smtp.mailfrom': 'ex.test' }
  assert.deepEqual(message, { results: [{ method: 'spf', value: 'pass', properties }] })
})

test('why a record is wrong stands in the result', async () => {
  const { message } = await judged('', { dns: { 'ex.test': { TXT: ['v=spf1 -all', 'v=spf1 +all'] } } })
  assert.equal(message?.results?.[0]?.reason, 'multiple matching DNS records')
})

test('the words of the owner are for the log alone', async () => {
  const dns = { 'ex.test': { TXT: ['v=spf1 exp=why.ex.test -all'] }, 'why.ex.test': { TXT: ['ask %{o}'] } }
  const { message } = await judged('', { dns })
  assert.equal(message?.reason?.fields.explanation, 'ask ex.test')
  assert.doesNotMatch(message?.reason?.message ?? '', /ask/)
})

test('a bounce is judged by the greeting, and the result has no sender', async () => {
  const { message } = await judged('', { from: '', dns: { 'h.test': { TXT: ['v=spf1 -all'] } } })
  assert.equal(shown(message), 'quarantine 550 5.7.23 SPF authentication failed')
  assert.deepEqual(message?.results?.[0]?.properties, { 'smtp.helo': 'h.test', 'smtp.mailfrom': '' })
})

test('postmaster alone has no domain, so nothing is known', async () => {
  const { message } = await judged('', { from: 'postmaster', dns: { 'h.test': { TXT: ['v=spf1 -all'] } } })
  assert.equal(message?.results?.[0]?.value, 'none')
})

test('the sender before rewriting is judged', async () => {
  const dns = { ...spf('v=spf1 -all'), 'elsewhere.example': { TXT: ['v=spf1 +all'] } }
  assert.equal((await judged('', { dns })).message?.results?.[0]?.value, 'fail')
})

test('a domain with U-labels is judged and told by its A-labels', async () => {
  const dns = { 'xn--bcher-kva.example': { TXT: ['v=spf1 -all'] } }
  const { message } = await judged('', { from: 'a@BÜCHER.example', dns })
  assert.equal(message?.results?.[0]?.value, 'fail')
  assert.equal(message?.results?.[0]?.properties?.['smtp.mailfrom'], 'xn--bcher-kva.example')
})

test('an IPv6 client is judged as such', async () => {
  const origin = { peer: { ip: '2001:db8::1', port: 25 } }
  const { message } = await judged('', { origin, dns: spf('v=spf1 ip6:2001:db8::/32 -all') })
  assert.equal(message?.results?.[0]?.value, 'pass')
})

for (const from of ['no-at-sign', 'a@', 'a@xn--99999999999']) {
  test(`a sender without a domain that could be asked about is refused whatever the actions: ${from}`, async () => {
    const { connection } = await judged('fail_action ignore', { from })
    assert.equal(shown(connection), 'reject 550 5.1.7 Malformed address')
  })
}

for (const [what, origin] of [
  ['from a Unix socket', { peer: null }],
  ['of this server itself', { protocol: null, peer: null }],
] as const) {
  test(`a message ${what} is not judged`, async () => {
    const verdicts = await judged('none_action reject', { origin })
    assert.deepEqual(verdicts, { connection: undefined, message: undefined })
  })
}

test('DNS is asked while the client goes on, and the client does not wait', async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<string>()
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  const records = zone(spf('v=spf1 -all'))
  const dns: Resolver = Object.assign(zone({}), {
    txt: async (name: string) => {
      ask(name)
      await answered
      return records.txt(name)
    },
  })
  await using made = await instance(Check, 'check.spf', { dns })
  await using inspection = ended(made.api.begin(sentBy('a@ex.test')))
  assert.equal(await inspection.connection?.(patient()), undefined)
  assert.equal(await asked, 'ex.test')
  const verdict = inspection.message?.(sampleMessage(), patient())
  answer()
  assert.equal((await verdict)?.results?.[0]?.value, 'fail')
})

/** DNS that answers nothing, and tells when a question has been called off. */
const silent = () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  const dns: Resolver = Object.assign(zone({}), {
    txt: (_name: string, signal?: AbortSignal) => {
      ask()
      return new Promise<never>((_resolve, reject) =>
        signal?.addEventListener('abort', () => {
          stop()
          reject(signal.reason)
        }),
      )
    },
  })
  return { dns, asked, stopped }
}

test('an evaluation ends with its message', async () => {
  const { dns, asked, stopped } = silent()
  await using made = await instance(Check, 'check.spf', { dns })
  const inspection = made.api.begin(sentBy('a@ex.test'))
  await inspection.connection?.(patient())
  await asked
  await inspection[Symbol.asyncDispose]?.()
  await stopped
})

test('a message whose evaluation does not come to an end waits no longer than its stage may take', async () => {
  const { dns } = silent()
  await using made = await instance(Check, 'check.spf', { dns })
  await using inspection = ended(made.api.begin(sentBy('a@ex.test')))
  await inspection.connection?.(patient())
  const reason = new Error('overdue')
  await assert.rejects(async () => inspection.message?.(sampleMessage(), AbortSignal.abort(reason)), reason)
})

const early = 'enforce_early yes\nfail_action reject'

test('enforce_early acts on the result before the message comes', async () => {
  const { connection, message } = await judged(early, { dns: spf('v=spf1 -all') })
  assert.equal(shown(connection), 'reject 550 5.7.23 SPF authentication failed')
  assert.equal(connection?.results?.[0]?.value, 'fail')
  assert.equal(message, undefined)
})

test('enforce_early does not look for a policy of the author', async () => {
  const dns = { ...spf('v=spf1 -all'), ...dmarc('v=DMARC1; p=reject') }
  assert.match(shown((await judged(early, { dns })).connection), /^reject /)
})

test('enforce_early tells of clients that pass', async () => {
  const { connection } = await judged(early, { dns: spf('v=spf1 +all') })
  assert.deepEqual([shown(connection), connection?.results?.[0]?.value], ['nothing', 'pass'])
})

test('enforce_early ends with the stage', async () => {
  const { dns } = silent()
  await using made = await instance(Check, `check.spf {\n${early}\n}`, { dns })
  const reason = new Error('overdue')
  const inspection = made.api.begin(sentBy('a@ex.test'))
  await assert.rejects(async () => inspection.connection?.(AbortSignal.abort(reason)), reason)
})

const rejects = 'reject 550 5.7.23 SPF authentication failed'
const left = 'ignore 550 5.7.23 SPF authentication failed'

for (const [what, author, dns, expected] of [
  ['an author with the policy reject is left to DMARC', 'a@ex.test', dmarc('v=DMARC1; p=reject'), left],
  ['an author with the policy quarantine is left to DMARC', 'a@ex.test', dmarc('v=DMARC1; p=quarantine'), left],
  ['an author with the policy none is not left to DMARC', 'a@ex.test', dmarc('v=DMARC1; p=none'), rejects],
  ['an author without a policy is not left to DMARC', 'a@ex.test', {}, rejects],
  [
    'the policy of the author counts, not that of the sender',
    'a@author.test',
    { ...dmarc('v=DMARC1; p=none', 'ex.test'), ...dmarc('v=DMARC1; p=reject', 'author.test') },
    left,
  ],
  ['a subdomain has the policy of its organisation', 'a@sub.ex.test', dmarc('v=DMARC1; p=reject'), left],
  ['sp=none is no policy for a subdomain', 'a@sub.ex.test', dmarc('v=DMARC1; p=reject; sp=none'), rejects],
  ['sp is no policy for the domain itself', 'a@ex.test', dmarc('v=DMARC1; p=none; sp=reject'), rejects],
  ['a policy that cannot be had is none', 'a@ex.test', { '_dmarc.ex.test': { fails: 'SERVFAIL' } }, rejects],
  ['a policy that cannot be read is none', 'a@ex.test', dmarc('v=DMARC1; p=maybe'), rejects],
  ['an author who cannot be told has no policy', 'a@ex.test, b@author.test', dmarc('v=DMARC1; p=reject'), rejects],
] as const) {
  test(`SPF fails: ${what}`, async () => {
    const { message } = await judged('fail_action reject', { author, dns: { ...spf('v=spf1 -all'), ...dns } })
    assert.equal(shown(message), expected)
    assert.equal(message?.results?.[0]?.value, 'fail')
  })
}

for (const [wrong, message] of [
  ['fail_action drop', /expected ignore, quarantine, reject/],
  ['fail_action reject 299', /expected a code from 400 to 599/],
  ['enforce_early perhaps', /expected/],
  ['hard_fail yes', /hard_fail/],
] as const) {
  test(`a configuration with \`${wrong}\` is refused`, async () => {
    await assert.rejects(instance(Check, `check.spf {\n${wrong}\n}`), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, message)
      return true
    })
  })
}
