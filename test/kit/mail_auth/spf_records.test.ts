import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zone } from '../../../core/kit/dns/memory.ts'
import type { Resolver } from '../../../core/kit/dns/resolver.ts'
import { evaluateSpf } from '../../../core/kit/mail_auth/index.ts'
import { cases, evaluate } from './spf_support.ts'

const long = 'a'.repeat(64)

/** RFC 7208 §2.4, §4.3 to §4.7, §6. */
cases({}, [
  // initial processing
  {
    title: 'a domain without a record gives none',
    zone: { 'example.com': { A: ['192.0.2.1'] } },
    value: 'none',
    reason: 'no DNS record found',
  },
  { title: 'a domain that does not exist gives none', value: 'none', reason: 'no DNS record found' },
  {
    title: 'a domain with one label gives none',
    sender: 'a@localhost',
    zone: { localhost: { TXT: ['v=spf1 +all'] } },
    value: 'none',
  },
  { title: 'a domain with an empty label gives none', sender: 'a@example..com', record: 'v=spf1 +all', value: 'none' },
  {
    title: 'a domain with a label that is too long gives none',
    sender: `a@${long}.example.com`,
    record: 'v=spf1 +all',
    value: 'none',
  },
  { title: 'an address literal gives none', sender: 'a@[192.0.2.1]', record: 'v=spf1 +all', value: 'none' },
  { title: 'a domain is the same in capitals', sender: 'a@EXAMPLE.COM', record: 'v=spf1 -all', value: 'fail' },
  { title: 'a domain is the same with a final dot', sender: 'a@example.com.', record: 'v=spf1 -all', value: 'fail' },
  {
    title: 'a local part with an @ is no domain',
    sender: 'a@example.net@example.com',
    record: 'v=spf1 -all',
    value: 'fail',
  },
  {
    title: 'without a sender the greeting is judged',
    sender: null,
    helo: 'h.example.com',
    zone: { 'h.example.com': { TXT: ['v=spf1 -all'] } },
    value: 'fail',
  },
  {
    title: 'with a sender the greeting is not looked at',
    helo: 'h.example.com',
    record: 'v=spf1 +all',
    zone: { 'h.example.com': { TXT: ['v=spf1 -all'] } },
    value: 'pass',
  },
  {
    title: 'a greeting with a final dot is the same',
    sender: null,
    helo: 'h.example.com.',
    zone: { 'h.example.com': { TXT: ['v=spf1 -all'] } },
    value: 'fail',
  },
  { title: 'a greeting that is an address gives none', sender: null, helo: '[192.0.2.1]', value: 'none' },
  { title: 'a greeting of one label gives none', sender: null, helo: 'localhost', value: 'none' },
  {
    title: 'a domain that is not ASCII is asked for in A-labels',
    sender: 'a@bücher.example',
    zone: { 'xn--bcher-kva.example': { TXT: ['v=spf1 -all'] } },
    value: 'fail',
  },

  // record lookup and selection
  {
    title: 'a name server that fails gives temperror',
    zone: { 'example.com': { fails: 'SERVFAIL' } },
    value: 'temperror',
    reason: /SERVFAIL/,
  },
  {
    title: 'a name server that does not answer gives temperror',
    zone: { 'example.com': { fails: 'timeout' } },
    value: 'temperror',
    reason: 'DNS timeout',
  },
  {
    title: 'a name server that refuses gives temperror',
    zone: { 'example.com': { fails: 'REFUSED' } },
    value: 'temperror',
    reason: /REFUSED/,
  },
  {
    title: 'strings of a record are joined without a blank',
    zone: { 'example.com': { TXT: [['v=spf1 ip4:192.0', '.2.1 -all']] } },
    value: 'pass',
  },
  { title: 'a version that goes on is another one', record: 'v=spf10 -all', value: 'none' },
  { title: 'a version with a minor number is another one', record: 'v=spf1.1 -all', value: 'none' },
  { title: 'the version is the same in capitals', record: 'V=SPF1 -all', value: 'fail' },
  { title: 'a blank before the version makes it no record', record: ' v=spf1 -all', value: 'none' },
  {
    title: 'other texts of the domain are passed over',
    zone: { 'example.com': { TXT: ['site-verification=1', 'v=spf1 -all', 'v=spf2.0/pra +all'] } },
    value: 'fail',
  },
  {
    title: 'two records are one too many',
    zone: { 'example.com': { TXT: ['v=spf1 +all', 'v=spf1 -all'] } },
    value: 'permerror',
    reason: 'multiple matching DNS records',
  },
  {
    title: 'two equal records are one too many',
    zone: { 'example.com': { TXT: ['v=spf1 -all', 'v=spf1 -all'] } },
    value: 'permerror',
  },
  {
    title: 'an alias leads to the record',
    zone: { 'example.com': { CNAME: 'example.net' }, 'example.net': { TXT: ['v=spf1 -all'] } },
    value: 'fail',
  },
  {
    title: 'a record of another type is no record',
    zone: { 'example.com': { A: ['192.0.2.1'], MX: ['10 example.com'] } },
    value: 'none',
  },

  // syntax
  { title: 'several blanks between terms are one', record: 'v=spf1  ip4:192.0.2.1   -all  ', value: 'pass' },
  { title: 'a tab is no blank', record: 'v=spf1 ip4:192.0.2.1\t-all', value: 'permerror' },
  {
    title: 'characters beyond ASCII make a record wrong',
    record: 'v=spf1 ip4:192.0.2.1 exp=ü.example.com -all',
    value: 'permerror',
  },
  { title: 'an unknown mechanism makes a record wrong', record: 'v=spf1 moo -all', value: 'permerror' },
  {
    title: 'an error after the term that matches makes a record wrong',
    record: 'v=spf1 ip4:192.0.2.1 moo',
    value: 'permerror',
  },
  { title: 'two qualifiers make a record wrong', record: 'v=spf1 --all', value: 'permerror' },
  { title: 'a qualifier alone makes a record wrong', record: 'v=spf1 - all', value: 'permerror' },
  { title: 'an unknown modifier is passed over', record: 'v=spf1 color=red ip4:192.0.2.1 -all', value: 'pass' },
  { title: 'an unknown modifier may be empty', record: 'v=spf1 color= -all', value: 'fail' },
  { title: 'an unknown modifier may stand twice', record: 'v=spf1 a=b a=c -all', value: 'fail' },
  {
    title: 'an unknown modifier with a broken macro makes a record wrong',
    record: 'v=spf1 color=%abc -all',
    value: 'permerror',
  },
  { title: 'the name of a modifier begins with a letter', record: 'v=spf1 1color=red -all', value: 'permerror' },
  { title: 'the version as a modifier is passed over', record: 'v=spf1 v=spf1 -all', value: 'fail' },
  {
    title: 'a modifier with a qualifier makes a record wrong',
    record: 'v=spf1 -redirect=example.net',
    value: 'permerror',
  },

  // redirect
  {
    title: 'redirect gives the result of the other record',
    record: 'v=spf1 redirect=example.net',
    zone: { 'example.net': { TXT: ['v=spf1 ~all'] } },
    value: 'softfail',
  },
  {
    title: 'redirect is the same in capitals',
    record: 'v=spf1 REDIRECT=example.net',
    zone: { 'example.net': { TXT: ['v=spf1 ~all'] } },
    value: 'softfail',
  },
  {
    title: 'redirect waits for all mechanisms, wherever it stands',
    record: 'v=spf1 redirect=example.net ip4:192.0.2.1',
    zone: { 'example.net': { TXT: ['v=spf1 -all'] } },
    value: 'pass',
  },
  {
    title: 'redirect beside all is of no effect',
    record: 'v=spf1 redirect=example.net ?all',
    zone: { 'example.net': { TXT: ['v=spf1 -all'] } },
    value: 'neutral',
  },
  {
    title: 'redirect to a domain without a record is a permerror',
    record: 'v=spf1 redirect=example.net',
    value: 'permerror',
  },
  {
    title: 'redirect to a domain whose DNS fails is a temperror',
    record: 'v=spf1 redirect=example.net',
    zone: { 'example.net': { fails: 'SERVFAIL' } },
    value: 'temperror',
  },
  {
    title: 'two redirects make a record wrong',
    record: 'v=spf1 redirect=a.example.net redirect=b.example.net',
    value: 'permerror',
  },
  { title: 'a redirect to nowhere makes a record wrong', record: 'v=spf1 redirect=', value: 'permerror' },
  { title: 'redirect takes no prefix length', record: 'v=spf1 redirect=example.net/24', value: 'permerror' },
  {
    title: 'a redirect may lead to another',
    record: 'v=spf1 redirect=a.example.net',
    zone: { 'a.example.net': { TXT: ['v=spf1 redirect=b.example.net'] }, 'b.example.net': { TXT: ['v=spf1 +all'] } },
    value: 'pass',
  },
])

test('what a record has that is wrong is told in a few words, however long it is', async () => {
  const { value, reason = '' } = await evaluate({ 'example.com': { TXT: [`v=spf1 ${'x'.repeat(4000)} -all`] } })
  assert.equal(value, 'permerror')
  assert.match(reason, /x{300}/)
  assert.ok(reason.length <= 400)
})

test('an evaluation ends when it is called off, with the reason why', async () => {
  const never: Resolver['txt'] = (_name, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  const dns: Resolver = Object.assign(zone({}), { txt: never })
  const stop = new AbortController()
  const outcome = evaluateSpf({ ip: '192.0.2.1', helo: 'h.example', sender: 'a@example.com' }, dns, stop.signal)
  const reason = new Error('the client has left')
  stop.abort(reason)
  await assert.rejects(outcome, reason)
})
