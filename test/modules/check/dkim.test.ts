import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check, ConfigError, type Verdict } from '../../../core/index.ts'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import type { Body } from '../../../core/kit/message/message.ts'
import { messageOf, plainMessage, rsaRecord, signed, told } from '../../kit/mail_auth/dkim_support.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'
import { check, deliver } from './dkim_support.ts'

const keyName = 'sel._domainkey.example.org'
const dns: Zone = { [keyName]: { TXT: [rsaRecord] } }
const failing: Zone = { [keyName]: { fails: 'SERVFAIL' } }

/** What the check finds about a message. */
const judged = async (text: string, directives = '', records = dns): Promise<Verdict | undefined> => {
  await using made = await instance(Check, `check.dkim {\n${directives}\n}`, { dns: zone(records) })
  await using inspection = disposable(made.api.begin(sampleEnvelope('ann@example.org')))
  return await inspection.message?.(messageOf(text), AbortSignal.timeout(20_000))
}

const disposable = <T extends Partial<AsyncDisposable>>(of: T): T & AsyncDisposable => ({
  ...of,
  [Symbol.asyncDispose]: async () => of[Symbol.asyncDispose]?.(),
})

/** `reject 550 5.7.20 Text`. */
const shown = ({ action, reason }: Verdict = {}): string =>
  reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'nothing'

const broken = signed(plainMessage).replace('four', 'five')

for (const [situation, text, directives, verdict] of [
  ['no signature', plainMessage, '', 'ignore 550 5.7.20 No DKIM signatures'],
  ['no signature', plainMessage, 'no_sig_action quarantine', 'quarantine 550 5.7.20 No DKIM signatures'],
  ['no signature', plainMessage, 'no_sig_action reject', 'reject 550 5.7.20 No DKIM signatures'],
  ['no signature', plainMessage, 'no_sig_action reject 451 4.7.1 "Sign it"', 'reject 451 4.7.1 Sign it'],
  ['no signature', plainMessage, 'broken_sig_action reject', 'ignore 550 5.7.20 No DKIM signatures'],
  ['a broken signature', broken, '', 'ignore 550 5.7.20 No passing DKIM signatures'],
  ['a broken signature', broken, 'broken_sig_action reject', 'reject 550 5.7.20 No passing DKIM signatures'],
  ['a broken signature', broken, 'no_sig_action reject', 'ignore 550 5.7.20 No passing DKIM signatures'],
  ['a sound signature', signed(plainMessage), 'no_sig_action reject\nbroken_sig_action reject', 'nothing'],
  ['a sound and a broken signature', signed(broken), 'broken_sig_action reject', 'nothing'],
] as const) {
  test(`${situation} leads to ${verdict} with ${directives.replace('\n', ', ') || 'the defaults'}`, async () => {
    assert.equal(shown(await judged(text, directives)), verdict)
  })
}

test('a message without a signature has the result none, without properties', async () => {
  assert.deepEqual((await judged(plainMessage))?.results, [{ method: 'dkim', value: 'none' }])
})

test('From and Subject have to be signed unless told otherwise', async () => {
  const text = signed(plainMessage, { tags: { h: 'From:To' } })
  const { results = [] } = (await judged(text)) ?? {}
  assert.deepEqual(told(results), ['permerror some header fields are not signed'])
})

test('required_fields takes the place of the default', async () => {
  const text = signed(plainMessage, { tags: { h: 'From:To' } })
  assert.deepEqual(told((await judged(text, 'required_fields From'))?.results ?? []), ['pass'])
  assert.deepEqual(told((await judged(text, 'required_fields to'))?.results ?? []), ['pass'])
  assert.deepEqual(told((await judged(text, 'required_fields Date To'))?.results ?? []), [
    'permerror some header fields are not signed',
  ])
})

test('From has to be signed whatever required_fields says', async () => {
  const text = signed(plainMessage, { tags: { h: 'To' } })
  assert.deepEqual(told((await judged(text, 'required_fields To'))?.results ?? []), ['permerror From field not signed'])
})

test('a key that DNS cannot tell is asked for later, whatever the actions, and also when another signature passes', async () => {
  const text = signed(signed(plainMessage), { tags: { s: 'down' } })
  const records = { ...dns, 'down._domainkey.example.org': { fails: 'timeout' } }
  const verdict = await judged(text, 'broken_sig_action ignore', records)
  assert.equal(shown(verdict), 'reject 421 4.7.20 Temporary error during DKIM verification')
  assert.equal(verdict?.results, undefined)
})

test('with fail_open a key that DNS cannot tell is one that does not hold', async () => {
  const verdict = await judged(signed(plainMessage), 'fail_open yes\nbroken_sig_action quarantine', failing)
  assert.equal(shown(verdict), 'quarantine 550 5.7.20 No passing DKIM signatures')
  assert.deepEqual(told(verdict?.results ?? []), ['temperror key unavailable: SERVFAIL'])
})

test('with fail_open another signature may pass', async () => {
  const text = signed(signed(plainMessage), { tags: { s: 'down' } })
  const records = { ...dns, 'down._domainkey.example.org': { fails: 'timeout' } }
  const verdict = await judged(text, 'fail_open yes\nbroken_sig_action reject', records)
  assert.equal(shown(verdict), 'nothing')
  assert.deepEqual(told(verdict?.results ?? []), ['temperror key unavailable: timeout', 'pass'])
})

test('allow_body_subset is taken, and does not let a part of a body count', async () => {
  const text = signed(plainMessage, { tags: { l: '3' } })
  const { results = [] } = (await judged(text, 'allow_body_subset yes')) ?? {}
  assert.deepEqual(told(results), ['fail message contains an insecure body length tag'])
})

test('allow_body_subset is warned of', async () => {
  await using server = await serve(`
    smtp tcp://127.0.0.1:0 {
      hostname mx.example.net
      tls off
      ${check('dkim', 'allow_body_subset')}
      deliver_to dummy
    }`)
  assert.match(await server.log(), /allow_body_subset has no effect/)
})

for (const [what, conf, reason] of [
  ['words after its name', 'check.dkim example.org', /dkim/],
  ['an unknown directive', 'check.dkim {\nnonsense\n}', /nonsense/],
  ['required_fields without fields', 'check.dkim {\nrequired_fields\n}', /required_fields needs FIELD/],
  ['an unknown action', 'check.dkim {\nno_sig_action drop\n}', /expected ignore, quarantine, reject/],
  ['fail_open with another word', 'check.dkim {\nfail_open maybe\n}', /expected yes or no/],
] as const) {
  test(`${what} is an error`, async () => {
    const used = what === 'words after its name' ? 'checks group {\ndkim example.org\n}' : conf
    await assert.rejects(
      instance(Check, used, { name: what === 'words after its name' ? 'group' : 'check.dkim' }),
      (error) => error instanceof ConfigError && reason.test(error.message),
    )
  })
}

test('a body that cannot be read is no verdict', async () => {
  const body: Body = {
    size: 1,
    memory: undefined,
    // biome-ignore lint/correctness/useYield: it fails before there is anything
    async *read() {
      throw new Error('the disk is gone')
    },
  }
  await using made = await instance(Check, 'check.dkim { }', { dns: zone(dns) })
  await using inspection = disposable(made.api.begin(sampleEnvelope('ann@example.org')))
  const judging = inspection.message?.({ ...messageOf(signed(plainMessage)), body }, AbortSignal.timeout(20_000))
  await assert.rejects(async () => await judging, /the disk is gone/)
})

test('mail without a signature is taken, and so it says', async () => {
  const { reply, mailbox, results } = await deliver(check('dkim'), plainMessage, dns)
  assert.match(reply, /^250 /)
  assert.deepEqual([mailbox, results], ['INBOX', 'mx.example.net; dkim=none'])
})

test('mail without a signature is refused at the end of data where that is wanted', async () => {
  const { reply, mailbox } = await deliver(check('dkim', 'no_sig_action reject'), plainMessage, dns)
  assert.match(reply, /^550 5\.7\.20 No DKIM signatures \(msg ID = [0-9a-f]{8}\)$/)
  assert.equal(mailbox, undefined)
})

test('mail with a broken signature goes to Junk where that is wanted', async () => {
  const { reply, mailbox } = await deliver(check('dkim', 'broken_sig_action quarantine'), broken, dns)
  assert.match(reply, /^250 /)
  assert.equal(mailbox, 'Junk')
})

test('of two signatures one that passes is enough, and both are told of', async () => {
  const text = signed(signed(plainMessage), { tags: { bh: 'AAAA' } })
  const { reply, results } = await deliver(check('dkim', 'broken_sig_action reject'), text, dns)
  assert.match(reply, /^250 /)
  const params = 'header.d=example.org header.i=@example.org'
  assert.equal(results, `mx.example.net; dkim=fail reason="body hash did not verify" ${params}; dkim=pass ${params}`)
})

test('a signature that leaves out the subject is taken and told of', async () => {
  const { reply, results } = await deliver(check('dkim'), signed(plainMessage, { tags: { h: 'From' } }), dns)
  assert.match(reply, /^250 /)
  assert.match(results ?? '', /dkim=permerror reason="some header fields are not signed"/)
})

test('a signature that leaves out the subject passes where that is allowed', async () => {
  const text = signed(plainMessage, { tags: { h: 'From' } })
  const { results } = await deliver(check('dkim', 'required_fields From'), text, dns)
  assert.match(results ?? '', /dkim=pass header/)
})

test('a signature of a part of the body is told of', async () => {
  const { results } = await deliver(check('dkim'), signed(plainMessage, { tags: { l: '13' } }), dns)
  assert.match(results ?? '', /dkim=fail reason="message contains an insecure body length tag"/)
})

test('a signature with SHA-1 is told of', async () => {
  const { results } = await deliver(check('dkim'), signed(plainMessage, { hash: 'sha1' }), dns)
  assert.match(results ?? '', /dkim=permerror reason="hash algorithm too weak: sha1"/)
})

test('mail whose key DNS cannot tell is deferred', async () => {
  const { reply, mailbox } = await deliver(
    check('dkim', 'no_sig_action ignore', 'broken_sig_action ignore'),
    signed(plainMessage),
    failing,
  )
  assert.match(reply, /^421 4\.7\.20 Temporary error during DKIM verification /)
  assert.equal(mailbox, undefined)
})

test('a client whose message was deferred for its key may go on', async () => {
  const conf = `smtp tcp://127.0.0.1:0 {\nhostname mx.example.net\ntls off\n${check('dkim')}\ndeliver_to dummy\n}`
  await using server = await serve(conf, { dns: zone(failing) })
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  for (const [text, reply] of [
    [signed(plainMessage), '421 4.7.20 Temporary error during DKIM verification (msg ID = *)'],
    [plainMessage, '250 2.0.0 OK: queued'],
  ] as const) {
    await client.command('MAIL FROM:<ann@example.org>', '250 *')
    await client.command('RCPT TO:<bob@example.net>', '250 *')
    await client.command('DATA', '354 *')
    client.send(text)
    await client.command('.', reply)
  }
})

test('mail whose key DNS cannot tell is taken with fail_open', async () => {
  const { reply, results } = await deliver(check('dkim', 'fail_open yes'), signed(plainMessage), failing)
  assert.match(reply, /^250 /)
  assert.match(results ?? '', /dkim=temperror reason="key unavailable: SERVFAIL" header\.d=example\.org/)
})

test('mail whose key does not exist is taken', async () => {
  const { reply, results } = await deliver(check('dkim'), signed(plainMessage), {})
  assert.match(reply, /^250 /)
  assert.match(results ?? '', /dkim=permerror reason="no key for signature: no such name"/)
})
