import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Origin, Verdict } from '../../../core/index.ts'
import { Check, ConfigError } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import type { Zone } from '../../../core/kit/dns/index.ts'
import { zone } from '../../../core/kit/dns/index.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'

const never = new AbortController().signal

/** `550 5.7.0 Text`, and what is done about it. */
const shown = (verdict: Verdict | undefined): string =>
  verdict?.reason
    ? `${verdict.action} ${verdict.reason.code} ${verdict.reason.enhanced} ${verdict.reason.message}`
    : 'nothing'

/** What one of these checks finds about a sender and a client. */
const judged = async (
  block: string,
  { from = 'a@b.example', dns = {}, origin = {} }: { from?: string; dns?: Zone; origin?: Partial<Origin> } = {},
): Promise<string> => {
  await using check = await instance(Check, block, { dns: zone(dns) })
  const envelope = sampleEnvelope('a@b.example')
  const inspection = check.api.begin({ ...envelope, origin: { ...envelope.origin, ...origin } })
  const verdict = inspection.sender
    ? await inspection.sender(from === '' ? null : parseAddress(from), never)
    : await inspection.connection?.(never)
  return shown(verdict)
}

const mx = 'require_mx_record {\nfail_action reject\n}'

test('a sender whose domain has a mail exchanger passes', async () => {
  assert.equal(await judged(mx, { dns: { 'b.example': { MX: ['10 mx.b.example'] } } }), 'nothing')
})

test('a sender whose domain does not exist can be refused', async () => {
  assert.equal(await judged(mx), 'reject 550 5.7.0 DNS error during policy check')
})

test('an address of the domain is no substitute for its MX record', async () => {
  const dns = { 'b.example': { A: ['192.0.2.1'] } }
  assert.equal(await judged(mx, { dns }), 'reject 550 5.7.0 DNS error during policy check')
})

for (const fails of ['SERVFAIL', 'timeout', 'REFUSED', 'malformed']) {
  test(`a sender whose domain cannot be looked up now (${fails}) is to try again`, async () => {
    const dns = { 'b.example': { fails } }
    assert.equal(await judged(mx, { dns }), 'reject 450 4.7.0 DNS error during policy check')
  })
}

test('a sender whose domain says that it takes no mail can be refused', async () => {
  const dns = { 'b.example': { MX: ['0 .'] } }
  assert.equal(await judged(mx, { dns }), 'reject 501 5.7.27 Domain in MAIL FROM has null MX record')
})

test('a bounce passes, having nobody to answer to', async () => {
  assert.equal(await judged(mx, { from: '' }), 'nothing')
})

test('postmaster alone has no domain to look up', async () => {
  assert.equal(await judged(mx, { from: 'postmaster' }), 'reject 501 5.1.8 No domain part in address')
})

test('an address literal has no mail exchanger', async () => {
  const dns = { '[192.0.2.1]': { MX: ['10 mx.b.example'] } }
  assert.equal(await judged(mx, { from: 'a@[192.0.2.1]', dns }), 'reject 550 5.7.0 DNS error during policy check')
})

test('a domain with U-labels is looked up by its A-labels', async () => {
  const dns = { 'xn--bcher-kva.example': { MX: ['10 mx.b.example'] } }
  assert.equal(await judged(mx, { from: 'a@bücher.example', dns }), 'nothing')
})

test('a sender without a mail exchanger is quarantined unless told otherwise', async () => {
  assert.match(await judged('require_mx_record'), /^quarantine 550 5\.7\.0 /)
})

const rdns = 'require_matching_rdns {\nfail_action reject\n}'

test('a client that greets with the name of its address passes, whatever the case of letters and final dots', async () => {
  assert.equal(await judged(rdns, { origin: { rdns: 'a.test', helo: 'A.TEST.' } }), 'nothing')
})

test('a client whose name is written in U-labels here and in A-labels there passes', async () => {
  const origin = { rdns: 'xn--bcher-kva.example', helo: 'bücher.example' }
  assert.equal(await judged(rdns, { origin }), 'nothing')
})

test('a client whose address has no name can be refused', async () => {
  assert.equal(await judged(rdns, { origin: { rdns: '' } }), 'reject 550 5.7.25 No PTR record found')
})

test('a client on a Unix socket has no name', async () => {
  assert.match(await judged(rdns, { origin: { peer: null, rdns: '' } }), /^reject 550 5\.7\.25 No PTR record found$/)
})

test('a client whose name cannot be looked up now is to try again', async () => {
  assert.equal(await judged(rdns, { origin: { rdns: null } }), 'reject 450 4.7.25 DNS error during policy check')
})

for (const helo of ['b.test', '[192.0.2.1]', 'a.test.evil.test']) {
  test(`a client named a.test that greets as ${helo} can be refused`, async () => {
    const verdict = await judged(rdns, { origin: { rdns: 'a.test', helo } })
    assert.equal(verdict, 'reject 550 5.7.25 rDNS name does not match source hostname')
  })
}

test('mail made on this machine has no client to name', async () => {
  assert.equal(await judged(rdns, { origin: { protocol: null, peer: null, rdns: '' } }), 'nothing')
})

test('a client without a name is quarantined unless told otherwise', async () => {
  assert.match(await judged('require_matching_rdns', { origin: { rdns: '' } }), /^quarantine /)
})

const tlsState = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', certificate: null }

test('mail over TLS passes where TLS is required', async () => {
  assert.equal(await judged('require_tls', { origin: { tls: tlsState } }), 'nothing')
})

test('mail without TLS is refused unless told otherwise, mail made on this machine too', async () => {
  const refusal = 'reject 550 5.7.1 TLS conversation required'
  assert.equal(await judged('require_tls'), refusal)
  assert.equal(await judged('require_tls', { origin: { protocol: null, peer: null } }), refusal)
})

test('the reply to what is refused can be given in full', async () => {
  const verdict = await judged('require_tls {\nfail_action reject 471 4.7.9 "use tls"\n}')
  assert.equal(verdict, 'reject 471 4.7.9 use tls')
})

test('the rest of a reply follows from its code', async () => {
  for (const [code, rest] of [
    [471, '4.7.0'],
    [551, '5.7.0'],
    [451, '4.7.0'],
  ]) {
    const verdict = await judged(`require_tls {\nfail_action reject ${code}\n}`)
    assert.equal(verdict, `reject ${code} ${rest} Message rejected due to a local policy`)
  }
})

for (const action of [
  'reject 299',
  'reject 5x0',
  'quarantine 250',
  'reject 550 9.1.1',
  'reject 550 2.0.0',
  'reject 550 5.1',
  'reject 550 5.7.1 ""',
  'quarantine 550 5.7.1 one two',
  'drop',
  'Reject',
  '',
]) {
  test(`fail_action ${action || 'without a word'} is an error`, async () => {
    await assert.rejects(judged(`require_tls {\nfail_action ${action}\n}`), ConfigError)
  })
}

test('the class of an enhanced code is what the administrator says', async () => {
  const verdict = await judged('require_tls {\nfail_action reject 550 4.7.1 "Odd"\n}')
  assert.equal(verdict, 'reject 550 4.7.1 Odd')
})

test('words after ignore mean nothing', async () => {
  assert.match(await judged('require_tls {\nfail_action ignore junk words\n}'), /^ignore 550 5\.7\.1 /)
})

for (const name of ['require_mx_record', 'require_matching_rdns', 'require_tls']) {
  test(`check.${name} is another name of ${name}`, async () => {
    await using check = await instance(Check, `check.${name} x { }`)
    assert.equal(check.api.timeout, 60_000)
  })

  test(`${name} takes no words after its name`, async () => {
    const conf = `smtp tcp://127.0.0.1:0 {\nhostname a.example\ntls off\ndeliver_to dummy\ncheck {\n${name} x\n}\n}`
    await assert.rejects(serve(conf), /takes no words after its name/)
  })
}

const smtp = (check: string, more = '', tls = 'off') =>
  `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls ${tls}\ndeliver_to dummy\ncheck {\n${check}\n}\n${more}\n}`

/** A client of the server that has greeted. */
const greeted = async (port: number, helo = 'client.example') => {
  const client = await dial(port)
  await client.expect('220 *')
  await client.command(`EHLO ${helo}`, '250 *')
  return client
}

test('a server that requires TLS refuses a sender without it, and takes the same after STARTTLS', async () => {
  await using server = await serve(smtp('require_tls', 'defer_sender_reject no', 'self_signed'))
  await using client = await greeted(server.port('smtp'))
  const refusal = await client.command('MAIL FROM:<a@b.example>', '550 5.7.1 TLS conversation required (msg ID = *)')
  assert.match(refusal, /\(msg ID = [0-9a-f]{8}\)$/)
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@b.example>', '250 *')
})

test('what is wrong with a client is told to every recipient where senders are not refused at once', async () => {
  await using server = await serve(smtp('require_tls'))
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', '250 *')
  await client.command('RCPT TO:<a@h.example>', '550 5.7.1 TLS conversation required *')
  await client.command('RCPT TO:<b@h.example>', '550 5.7.1 TLS conversation required *')
})

test('a server that only logs what it finds accepts', async () => {
  await using server = await serve(smtp('require_tls {\nfail_action ignore junk words\n}'))
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', '250 *')
  await client.command('RCPT TO:<a@h.example>', '250 *')
  assert.match(await server.log(), /no check action.*"check":"require_tls"/)
})

test('a sender without a mail exchanger is accepted and marked', async () => {
  await using server = await serve(smtp('require_mx_record'))
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', '250 *')
  await client.command('RCPT TO:<a@h.example>', '250 *')
  assert.match(await server.log(), /quarantined.*"check":"require_mx_record"/)
})

test('the name of a client is looked up by its address', async () => {
  const conf = smtp('require_matching_rdns {\nfail_action reject\n}', 'defer_sender_reject no')
  await using server = await serve(conf, { dns: zone({ '127.0.0.1': { PTR: ['a.test.'] } }) })
  await using right = await greeted(server.port('smtp'), 'A.TEST')
  await right.command('MAIL FROM:<a@b.example>', '250 *')
  await using wrong = await greeted(server.port('smtp'), 'b.test')
  await wrong.command('MAIL FROM:<a@b.example>', '550 5.7.25 rDNS name does not match source hostname *')
})

test('a client is to try again when its name cannot be looked up', async () => {
  const conf = smtp('require_matching_rdns {\nfail_action reject\n}', 'defer_sender_reject no')
  await using server = await serve(conf, { dns: zone({ '127.0.0.1': { fails: 'SERVFAIL' } }) })
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', '450 4.7.25 DNS error during policy check *')
})
