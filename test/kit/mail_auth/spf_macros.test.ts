import type { Zone } from '../../../core/kit/dns/memory.ts'
import { cases } from './spf_support.ts'

const sender = 'strong-bad@email.example.com'
const six = '2001:db8::cb01'

/** The domain of the sender asks for one name; only that one exists. */
const asks = (spec: string, name: string): Zone => ({
  'email.example.com': { TXT: [`v=spf1 exists:${spec} -all`] },
  [name]: { A: ['127.0.0.2'] },
})

const expands = (
  spec: string,
  name: string,
  more: { ip?: string; zone?: Zone; helo?: string; sender?: string } = {},
) => ({
  title: `${spec} expands to ${name}${more.ip === six ? ' for an IPv6 client' : ''}`,
  sender,
  ip: '192.0.2.3',
  value: 'pass' as const,
  ...more,
  zone: { ...asks(spec, name), ...more.zone },
})

const explains = (text: string, explanation: string, more: { ip?: string; zone?: Zone; sender?: string } = {}) => ({
  title: `the explanation ${text} says ${explanation}`,
  sender,
  ip: '192.0.2.3',
  value: 'fail' as const,
  explanation,
  ...more,
  zone: {
    'email.example.com': { TXT: ['v=spf1 exp=exp.example.com -all'] },
    'exp.example.com': { TXT: [text] },
    ...more.zone,
  },
})

/** RFC 7208 §7, with the examples of §7.4. */
cases({}, [
  expands('%{o}.x.test', 'email.example.com.x.test'),
  expands('%{d}.x.test', 'email.example.com.x.test'),
  expands('%{d4}.x.test', 'email.example.com.x.test'),
  expands('%{d3}.x.test', 'email.example.com.x.test'),
  expands('%{d2}.x.test', 'example.com.x.test'),
  expands('%{d1}.x.test', 'com.x.test'),
  expands('%{dr}.x.test', 'com.example.email.x.test'),
  expands('%{d2r}.x.test', 'example.email.x.test'),
  expands('%{l}.x.test', 'strong-bad.x.test'),
  expands('%{l-}.x.test', 'strong.bad.x.test'),
  expands('%{lr}.x.test', 'strong-bad.x.test'),
  expands('%{lr-}.x.test', 'bad.strong.x.test'),
  expands('%{l1r-}.x.test', 'strong.x.test'),
  expands('%{ir}.%{v}._spf.%{d2}', '3.2.0.192.in-addr._spf.example.com'),
  expands('%{lr-}.lp._spf.%{d2}', 'bad.strong.lp._spf.example.com'),
  expands('%{lr-}.lp.%{ir}.%{v}._spf.%{d2}', 'bad.strong.lp.3.2.0.192.in-addr._spf.example.com'),
  expands('%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}', '3.2.0.192.in-addr.strong.lp._spf.example.com'),
  expands('%{d2}.trusted-domains.example.net', 'example.com.trusted-domains.example.net'),
  expands(
    '%{ir}.%{v}._spf.%{d2}',
    '1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com',
    { ip: six },
  ),
  expands('%{h}.x.test', 'client.example.net.x.test'),
  expands('%{D2}.x.test', 'example.com.x.test'),
  expands('%{dR}.x.test', 'com.example.email.x.test'),
  expands('%{p}.x.test', 'mx.example.org.x.test', {
    zone: { '192.0.2.3': { PTR: ['mx.example.org'] }, 'mx.example.org': { A: ['192.0.2.3'] } },
  }),
  expands('%{p}.x.test', 'unknown.x.test'),
  {
    ...expands('%{p}.x.test', 'unknown.x.test', {
      zone: { '192.0.2.3': { PTR: ['mx.example.org'] }, 'mx.example.org': { A: ['203.0.113.5'] } },
    }),
    title: '%{p} is unknown when the name does not lead back',
  },
  {
    ...expands('%{p}.x.test', 'mail.email.example.com.x.test', {
      zone: {
        '192.0.2.3': { PTR: ['mx.example.org', 'mail.email.example.com'] },
        'mx.example.org': { A: ['192.0.2.3'] },
        'mail.email.example.com': { A: ['192.0.2.3'] },
      },
    }),
    title: '%{p} prefers a name in the domain',
  },
  {
    title: '%{d} of an included record is the included domain, %{o} that of the sender',
    sender,
    zone: {
      'email.example.com': { TXT: ['v=spf1 include:example.net -all'] },
      'example.net': { TXT: ['v=spf1 exists:%{d}.%{o}.x.test -all'] },
      'example.net.email.example.com.x.test': { A: ['127.0.0.2'] },
    },
    value: 'pass',
  },
  {
    title: 'a name that grows too long loses labels from the left',
    sender: `${'a.'.repeat(130)}b@email.example.com`,
    zone: asks('%{l}.tail.x.test', `${'a.'.repeat(120)}b.tail.x.test`), // 253 characters
    value: 'pass',
  },
  {
    title: 'the sender of a null reverse-path is postmaster',
    sender: null,
    helo: 'email.example.com',
    zone: asks('%{l}.x.test', 'postmaster.x.test'),
    value: 'pass',
  },
  { title: 'a macro in ip4 is an error', record: 'v=spf1 ip4:%{i} -all', value: 'permerror' },

  // syntax
  { title: 'a lone percent sign is an error', record: 'v=spf1 exists:%.x.test -all', value: 'permerror' },
  { title: 'a percent sign at the end is an error', record: 'v=spf1 exists:x.test% -all', value: 'permerror' },
  { title: 'a macro without its brace is an error', record: 'v=spf1 exists:%(d).x.test -all', value: 'permerror' },
  { title: 'a macro that is not closed is an error', record: 'v=spf1 exists:%{d.x.test -all', value: 'permerror' },
  { title: 'an unknown letter is an error', record: 'v=spf1 exists:%{x}.x.test -all', value: 'permerror' },
  { title: 'zero labels are an error', record: 'v=spf1 exists:%{d0}.x.test -all', value: 'permerror' },
  { title: 'an unknown delimiter is an error', record: 'v=spf1 exists:%{d:}.x.test -all', value: 'permerror' },
  {
    title: 'the letters of explanations are errors elsewhere',
    record: 'v=spf1 exists:%{t}.x.test -all',
    value: 'permerror',
  },
  { title: '%{c} is an error outside of explanations', record: 'v=spf1 exists:%{c}.x.test -all', value: 'permerror' },
  { title: '%{r} is an error outside of explanations', record: 'v=spf1 exists:%{r}.x.test -all', value: 'permerror' },
  { title: '%% is a percent sign', sender, zone: asks('a%%b.x.test', 'a%b.x.test'), value: 'pass' },
  { title: '%- is a percent sign and 20', sender, zone: asks('a%-b.x.test', 'a%20b.x.test'), value: 'pass' },
  {
    title: 'capital letters escape what no URL holds',
    sender: 'a=b@email.example.com',
    zone: asks('%{L}.x.test', 'a%3Db.x.test'),
    value: 'pass',
  },
  {
    title: 'a term with a local part that is not ASCII does not match',
    sender: 'jürgen@email.example.com',
    zone: {
      'email.example.com': { TXT: ['v=spf1 exists:%{l}.x.test ~all'] },
      'xn--jrgen-kva.x.test': { A: ['127.0.0.2'] },
    },
    value: 'softfail',
  },

  // explanations
  explains('not from %{i}', 'not from 192.0.2.3'),
  explains('%{c} is not one of %{d}', '192.0.2.3 is not one of email.example.com'),
  explains('see http://%{d}/why?s=%{S}', 'see http://email.example.com/why?s=strong-bad%40email.example.com'),
  explains('%{r} says no', 'unknown says no'),
  explains('100%% sure', '100% sure'),
  {
    title: 'an explanation is of fail alone',
    record: 'v=spf1 exp=exp.example.com ~all',
    zone: { 'exp.example.com': { TXT: ['no'] } },
    value: 'softfail',
  },
  { title: 'a missing explanation changes nothing', record: 'v=spf1 exp=exp.example.com -all', value: 'fail' },
  {
    title: 'two explanations are none',
    record: 'v=spf1 exp=exp.example.com -all',
    zone: { 'exp.example.com': { TXT: ['one', 'two'] } },
    value: 'fail',
  },
  {
    title: 'exp twice makes a record wrong',
    record: 'v=spf1 exp=a.example.com exp=b.example.com -all',
    value: 'permerror',
  },
  { title: 'exp without a domain makes a record wrong', record: 'v=spf1 exp= -all', value: 'permerror' },
  {
    title: 'the explanation of an included record is not used',
    record: 'v=spf1 include:example.net -all',
    zone: { 'example.net': { TXT: ['v=spf1 exp=exp.example.net -all'] }, 'exp.example.net': { TXT: ['no'] } },
    value: 'fail',
  },
  {
    title: 'the explanation of the record that was redirected to is used',
    record: 'v=spf1 redirect=example.net exp=own.example.com',
    zone: {
      'example.net': { TXT: ['v=spf1 exp=exp.example.net -all'] },
      'exp.example.net': { TXT: ['theirs'] },
      'own.example.com': { TXT: ['ours'] },
    },
    value: 'fail',
    explanation: 'theirs',
  },
])
