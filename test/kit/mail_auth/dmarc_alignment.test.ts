import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Zone } from '../../../core/kit/dns/memory.ts'
import type { AuthenticationResult } from '../../../core/kit/mail_auth/index.ts'
import { dkim, judge, policies, spf, summary } from './dmarc_support.ts'

interface Case {
  readonly title: string
  readonly from: string
  readonly results: readonly AuthenticationResult[]
  /** DMARC records by domain. */
  readonly records: Readonly<Record<string, string>>
  readonly zone?: Zone
  readonly verdict: string
}

const cases = (list: readonly Case[]): void => {
  for (const { title, from, results, records, zone = {}, verdict } of list) {
    test(title, async () => {
      assert.equal(summary(await judge(from, results, { ...policies(records), ...zone })), verdict)
    })
  }
}

const reject = 'v=DMARC1; p=reject'
const strict = 'v=DMARC1; p=reject; aspf=s; adkim=s'
const pass = 'pass none'
const refused = 'fail reject 550 5.7.1'
const unsigned = dkim('none')
const noSpf = spf('none', 'example.com')

/** RFC 7489 appendix B.1, RFC 9989 §4.4 and appendix B. */
cases([
  {
    title: 'SPF of the same domain aligns',
    from: 'a@example.com',
    results: [spf('pass', 'example.com'), unsigned],
    records: { 'example.com': strict },
    verdict: pass,
  },
  {
    title: 'SPF of a subdomain aligns where alignment is relaxed',
    from: 'a@example.com',
    results: [spf('pass', 'child.example.com'), unsigned],
    records: { 'example.com': reject },
    verdict: pass,
  },
  {
    title: 'SPF of a subdomain does not align where alignment is strict',
    from: 'a@example.com',
    results: [spf('pass', 'child.example.com'), unsigned],
    records: { 'example.com': strict },
    verdict: refused,
  },
  {
    title: 'SPF of the parent domain aligns where alignment is relaxed',
    from: 'a@child.example.com',
    results: [spf('pass', 'example.com'), unsigned],
    records: { 'example.com': reject },
    verdict: pass,
  },
  {
    title: 'SPF of another domain does not align',
    from: 'a@example.com',
    results: [spf('pass', 'sample.net'), unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'SPF that fails counts for nothing',
    from: 'a@example.com',
    results: [spf('softfail', 'example.com'), unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'DKIM of the same domain aligns',
    from: 'a@example.com',
    results: [noSpf, dkim('pass', 'example.com')],
    records: { 'example.com': strict },
    verdict: pass,
  },
  {
    title: 'DKIM of the parent domain aligns where alignment is relaxed',
    from: 'a@child.example.com',
    results: [noSpf, dkim('pass', 'example.com')],
    records: { 'example.com': reject },
    verdict: pass,
  },
  {
    title: 'DKIM of the parent domain does not align where alignment is strict',
    from: 'a@child.example.com',
    results: [noSpf, dkim('pass', 'example.com')],
    records: { 'example.com': strict },
    verdict: refused,
  },
  {
    title: 'DKIM of another domain does not align',
    from: 'a@example.com',
    results: [noSpf, dkim('pass', 'sample.net')],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'DKIM of a sibling aligns where alignment is relaxed',
    from: 'a@mail.ex.test',
    results: [noSpf, dkim('pass', 'sub.ex.test')],
    records: { 'ex.test': 'v=DMARC1; p=quarantine' },
    verdict: pass,
  },
  {
    title: 'DKIM of a sibling does not align where alignment is strict',
    from: 'a@mail.ex.test',
    results: [noSpf, dkim('pass', 'sub.ex.test')],
    records: { 'ex.test': 'v=DMARC1; p=quarantine; adkim=s' },
    verdict: 'fail quarantine 550 5.7.1',
  },
  {
    title: 'strict DKIM leaves SPF relaxed',
    from: 'a@example.com',
    results: [spf('pass', 'child.example.com'), unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; adkim=s' },
    verdict: pass,
  },
  {
    title: 'strict SPF leaves DKIM relaxed',
    from: 'a@example.com',
    results: [noSpf, dkim('pass', 'child.example.com')],
    records: { 'example.com': 'v=DMARC1; p=reject; aspf=s' },
    verdict: pass,
  },
  {
    title: 'one signature that aligns is enough',
    from: 'a@example.com',
    results: [noSpf, dkim('fail', 'example.com'), dkim('pass', 'list.example'), dkim('pass', 'example.com')],
    records: { 'example.com': strict },
    verdict: pass,
  },
  {
    title: 'a signature that fails counts for nothing',
    from: 'a@example.com',
    results: [noSpf, dkim('fail', 'example.com')],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'domains align in any case',
    from: 'a@EXAMPLE.com',
    results: [noSpf, dkim('pass', 'Example.COM')],
    records: { 'example.com': strict },
    verdict: pass,
  },
  {
    title: 'domains align however they are encoded',
    from: 'a@bücher.example',
    results: [noSpf, dkim('pass', 'xn--bcher-kva.example')],
    records: { 'xn--bcher-kva.example': strict },
    verdict: pass,
  },
  {
    title: 'without a sender the greeting aligns',
    from: 'a@example.com',
    results: [spf('pass', '', 'mx.example.com'), unsigned],
    records: { 'example.com': reject },
    verdict: pass,
  },
  {
    title: 'without a sender another greeting does not align',
    from: 'a@example.com',
    results: [spf('pass', '', 'mx.sample.net'), unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'with a sender the greeting does not align',
    from: 'a@example.com',
    results: [spf('pass', 'sample.net', 'mx.example.com'), unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'a domain that ends alike is another one',
    from: 'a@example.com',
    results: [noSpf, dkim('pass', 'badexample.com')],
    records: { 'example.com': reject },
    verdict: refused,
  },
])

/** RFC 9989 §4.10: the tree walk. */
cases([
  {
    title: 'the record of the domain itself goes before that of its parent',
    from: 'a@sub.example.com',
    results: [noSpf, unsigned],
    records: { 'sub.example.com': 'v=DMARC1; p=quarantine', 'example.com': reject },
    verdict: 'fail quarantine 550 5.7.1',
  },
  {
    title: 'a domain without a record has that of the domain above it',
    from: 'a@a.b.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'the highest domain with a record is the organisation',
    from: 'a@a.mail.example.com',
    results: [noSpf, unsigned],
    records: { 'mail.example.com': 'v=DMARC1; p=none', 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'a domain of many labels reaches the top in a few steps',
    from: 'a@a.b.c.d.e.f.g.h.i.j.mail.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': reject },
    verdict: refused,
  },
  {
    title: 'psd=n ends the walk at the organisation',
    from: 'a@a.mail.example.com',
    results: [noSpf, dkim('pass', 'example.com')],
    records: { 'mail.example.com': 'v=DMARC1; p=reject; psd=n', 'example.com': 'v=DMARC1; p=none' },
    verdict: refused,
  },
  {
    title: 'below psd=y each domain is an organisation of its own',
    from: 'a@giant.bank.example',
    results: [noSpf, dkim('pass', 'mega.bank.example')],
    records: { 'bank.example': 'v=DMARC1; p=reject; psd=y' },
    verdict: refused,
  },
  {
    title: 'below psd=y the subdomains of one organisation align',
    from: 'a@mail.giant.bank.example',
    results: [noSpf, dkim('pass', 'www.giant.bank.example')],
    records: { 'bank.example': 'v=DMARC1; p=reject; psd=y' },
    verdict: pass,
  },
  {
    title: 'without records above it a domain is its own organisation',
    from: 'a@a.github.example',
    results: [noSpf, dkim('pass', 'b.github.example')],
    records: { 'a.github.example': reject },
    verdict: refused,
  },
  {
    title: 'an unrelated text at a domain does not hide the record above it',
    from: 'a@sub.ex.test',
    results: [noSpf, unsigned],
    records: { 'sub.ex.test': 'hello', 'ex.test': reject },
    verdict: refused,
  },
  {
    title: 'two records at a domain are none, and the one above it counts',
    from: 'a@sub.ex.test',
    results: [noSpf, unsigned],
    records: { 'ex.test': reject },
    zone: { '_dmarc.sub.ex.test': { TXT: ['v=DMARC1; p=none', 'v=DMARC1; p=none'] } },
    verdict: refused,
  },
  {
    title: 'no record anywhere is none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: {},
    verdict: 'none none',
  },
  {
    title: 'an address literal has no record',
    from: 'a@[192.0.2.1]',
    results: [noSpf, unsigned],
    records: {},
    verdict: 'none none',
  },
])

/** RFC 9989 §4.7: what the tags ask for. */
cases([
  {
    title: 'p=none asks for nothing',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=none' },
    verdict: 'fail none',
  },
  {
    title: 'sp is for subdomains',
    from: 'a@sub.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; sp=none' },
    zone: { 'sub.example.com': { A: ['192.0.2.1'] } },
    verdict: 'fail none',
  },
  {
    title: 'sp is not for the domain itself',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; sp=none' },
    verdict: refused,
  },
  {
    title: 'np is for subdomains that do not exist',
    from: 'a@no.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=none; sp=quarantine; np=reject' },
    verdict: refused,
  },
  {
    title: 'np is not for subdomains that exist',
    from: 'a@sub.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=none; sp=quarantine; np=reject' },
    zone: { 'sub.example.com': { MX: ['10 mx.example.com'] } },
    verdict: 'fail quarantine 550 5.7.1',
  },
  {
    title: 'an alias that leads nowhere exists',
    from: 'a@sub.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=none; np=reject' },
    zone: { 'sub.example.com': { CNAME: 'gone.example.net' } },
    verdict: 'fail none',
  },
  {
    title: 'without np the policy for subdomains is that for those that do not exist',
    from: 'a@no.example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; sp=quarantine' },
    verdict: 'fail quarantine 550 5.7.1',
  },
  {
    title: 't=y makes quarantine of reject',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; t=y' },
    verdict: 'fail quarantine 550 5.7.1',
  },
  {
    title: 't=y makes none of quarantine',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=quarantine; t=y' },
    verdict: 'fail none',
  },
  {
    title: 'pct=0 changes nothing',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; pct=0' },
    verdict: refused,
  },
  {
    title: 'pct=100 changes nothing',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; pct=100' },
    verdict: refused,
  },
  {
    title: 'tags are read with blanks around them, in any order, and unknown ones passed over',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1 ;; x=y ; rua = mailto:a@example.com ; p = Reject ;' },
    verdict: refused,
  },
  {
    title: 'a record whose version is not first is none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'p=reject; v=DMARC1' },
    verdict: 'none none',
  },
  {
    title: 'a record of another version is none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC2; p=reject' },
    verdict: 'none none',
  },
  {
    title: 'a record with a tag twice is none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; p=reject; p=none' },
    verdict: 'none none',
  },
  {
    title: 'a record without a policy is none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; adkim=s' },
    verdict: 'none none',
  },
  {
    title: 'a record without a policy that asks for reports has the policy none',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: { 'example.com': 'v=DMARC1; rua=mailto:a@example.com' },
    verdict: 'fail none',
  },
  {
    title: 'strings of a record are joined',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: {},
    zone: { '_dmarc.example.com': { TXT: [['v=DMARC1; p=rej', 'ect']] } },
    verdict: refused,
  },
  {
    title: 'a record may stand behind an alias',
    from: 'a@example.com',
    results: [noSpf, unsigned],
    records: {},
    zone: { '_dmarc.example.com': { CNAME: 'p.example.net' }, 'p.example.net': { TXT: [reject] } },
    verdict: refused,
  },
])
