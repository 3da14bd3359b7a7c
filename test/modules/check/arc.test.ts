import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Check, ConfigError, type Verdict } from '../../../core/index.ts'
import { type Zone, zone } from '../../../core/kit/dns/memory.ts'
import { sealed } from '../../kit/mail_auth/arc_support.ts'
import { messageOf, plainMessage, rsaRecord, signed, told } from '../../kit/mail_auth/dkim_support.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { check, deliver } from './dkim_support.ts'

const key = { TXT: [rsaRecord] }
const dns: Zone = { 'arc._domainkey.list.example': key, 'sel._domainkey.example.org': key }
const failing: Zone = { 'arc._domainkey.list.example': { fails: 'SERVFAIL' } }

/** What the check finds about a message. */
const judged = async (text: string, directives = '', records = dns): Promise<Verdict | undefined> => {
  await using made = await instance(Check, `check.arc {\n${directives}\n}`, { dns: zone(records) })
  const envelope = sampleEnvelope('ann@example.org')
  const peer = { ip: '192.0.2.7', port: 2525 }
  const inspection = made.api.begin({ ...envelope, origin: { ...envelope.origin, peer } })
  return await inspection.message?.(messageOf(text), AbortSignal.timeout(20_000))
}

/** `reject 550 5.7.29 Text`. */
const shown = ({ action, reason }: Verdict = {}): string =>
  reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'nothing'

const chain = await sealed(plainMessage, { found: 'dmarc=pass header.from=example.org' })
const broken = chain.replace('four', 'five')

for (const [situation, text, directives, verdict, result] of [
  ['no chain', plainMessage, 'fail_action reject', 'nothing', 'none'],
  ['a chain that passes', chain, 'fail_action reject', 'nothing', 'pass'],
  ['a broken chain', broken, '', 'ignore 550 5.7.29 ARC validation failure', 'fail'],
  ['a broken chain', broken, 'fail_action quarantine', 'quarantine 550 5.7.29 ARC validation failure', 'fail'],
  ['a broken chain', broken, 'fail_action reject', 'reject 550 5.7.29 ARC validation failure', 'fail'],
  ['a broken chain', broken, 'fail_action reject 550 5.7.1 No', 'reject 550 5.7.1 No', 'fail'],
] as const) {
  test(`${situation} leads to ${verdict} with ${directives || 'the defaults'}`, async () => {
    const found = await judged(text, directives)
    assert.equal(shown(found), verdict)
    assert.match(told(found?.results ?? [])[0] ?? '', new RegExp(`^${result}\\b`))
  })
}

test('the result tells the address of the client', async () => {
  assert.deepEqual((await judged(chain))?.results, [
    {
      method: 'arc',
      value: 'pass',
      properties: { 'smtp.remote-ip': '192.0.2.7', 'header.d': 'list.example', 'header.oldest-pass': '0' },
    },
  ])
})

test('trusted sealers vouch for the author', async () => {
  const [result] = (await judged(chain, 'trusted_sealers other.example LIST.example.'))?.results ?? []
  assert.equal(result?.properties?.['policy.trusted'], 'yes')
})

test('a trusted chain that DNS cannot tell of is asked for later', async () => {
  const verdict = await judged(chain, 'trusted_sealers list.example', failing)
  assert.equal(shown(verdict), 'reject 451 4.7.29 Temporary error during ARC validation')
})

test('any other chain that DNS cannot tell of fails', async () => {
  assert.equal(shown(await judged(chain, '', failing)), 'ignore 550 5.7.29 ARC validation failure')
})

for (const [what, directives, reason] of [
  ['trusted_sealers without domains', 'trusted_sealers', /trusted_sealers needs DOMAIN/],
  ['a sealer that is no domain', 'trusted_sealers a..b', /"a\.\.b" is no domain/],
  ['an unknown directive', 'nonsense', /nonsense/],
] as const) {
  test(`${what} is an error`, async () => {
    await assert.rejects(
      instance(Check, `check.arc {\n${directives}\n}`),
      (error) => error instanceof ConfigError && reason.test(error.message),
    )
  })
}

test('the result stands in the header of the message', async () => {
  const { reply, results } = await deliver(check('arc', 'trusted_sealers list.example'), chain, dns)
  assert.match(reply, /^250 /)
  assert.equal(
    results,
    'mx.example.net; arc=pass header.d=list.example header.oldest-pass=0 policy.trusted=yes smtp.remote-ip=127.0.0.1',
  )
})

test('mail with a broken chain is refused where that is wanted', async () => {
  const { reply } = await deliver(check('arc', 'fail_action reject'), broken, dns)
  assert.match(reply, /^550 5\.7\.29 ARC validation failure /)
})

/** What a mailing list makes of a message: DKIM is broken, DMARC fails, the chain of the list passes. */
const listed = await sealed(signed(plainMessage).replace('Subject: Tea', 'Subject: [list] Tea'), {
  found: 'dkim=pass header.d=example.org; dmarc=pass header.from=example.org',
})
const policy: Zone = { ...dns, '_dmarc.example.org': { TXT: ['v=DMARC1; p=reject'] } }
const checks = (sealers: string): string => `dmarc yes\ncheck {\ndkim\nspf\narc {\n${sealers}\n}\n}`

test('DMARC refuses what came by way of a mailing list that nobody trusts', async () => {
  const { reply } = await deliver(checks('fail_action ignore'), listed, policy)
  assert.match(reply, /^550 5\.7\.1 DMARC check failed /)
})

test('DMARC does not refuse what came by way of a trusted mailing list', async () => {
  const { reply, results } = await deliver(checks('trusted_sealers list.example'), listed, policy)
  assert.match(reply, /^250 /)
  assert.match(results ?? '', /arc=pass .*policy\.trusted=yes.*; dmarc=fail /)
})
