import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zone } from '../../../core/kit/dns/memory.ts'
import type { Resolver } from '../../../core/kit/dns/resolver.ts'
import { remembering, resolverFor } from '../../../core/kit/mail_auth/index.ts'

const ask = resolverFor(
  zone({
    'a.example': {
      A: ['192.0.2.1', '192.0.2.2'],
      AAAA: ['2001:db8::1'],
      TXT: ['one', ['t', 'wo']],
      MX: ['20 second.example.', '10 first.example.'],
      NS: ['ns.example.'],
    },
    'null.example': { MX: ['0 .'] },
    'alias.example': { CNAME: 'a.example' },
    'dangling.example': { CNAME: 'gone.example' },
    'slow.example': { fails: 'timeout' },
    'broken.example': { fails: 'SERVFAIL' },
    'refusing.example': { fails: 'REFUSED' },
    '192.0.2.1': { PTR: ['a.example.'] },
    '2001:db8::1': { PTR: ['six.example.'] },
  }),
)

const six = `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`

for (const [type, name, records] of [
  ['A', 'a.example', ['192.0.2.1', '192.0.2.2']],
  ['AAAA', 'a.example', ['2001:db8::1']],
  ['TXT', 'a.example', [['one'], ['two']]],
  ['NS', 'a.example', ['ns.example']],
  ['CNAME', 'alias.example', ['a.example']],
  ['CNAME', 'dangling.example', ['gone.example']],
  ['PTR', '1.2.0.192.in-addr.arpa', ['a.example']],
  ['PTR', '1.2.0.192.IN-ADDR.ARPA.', ['a.example']],
  ['PTR', six, ['six.example']],
  ['A', 'alias.example', ['192.0.2.1', '192.0.2.2']],
  [
    'MX',
    'a.example',
    [
      { exchange: 'first.example', priority: 10 },
      { exchange: 'second.example', priority: 20 },
    ],
  ],
  ['MX', 'null.example', [{ exchange: '', priority: 0 }]],
] as const) {
  test(`${type} of ${name} has the form that dns.resolve gives it`, async () => {
    assert.deepEqual(await ask(name, type), records)
  })
}

for (const [type, name, code, why] of [
  ['A', 'no.example', 'ENOTFOUND', 'does not exist'],
  ['PTR', '9.2.0.192.in-addr.arpa', 'ENOTFOUND', 'does not exist'],
  ['PTR', 'a.example', 'ENOTFOUND', 'is no reverse name'],
  ['A', `${'a'.repeat(64)}.example`, 'ENOTFOUND', 'no DNS could hold'],
  ['TXT', 'null.example', 'ENODATA', 'has no such records'],
  ['CNAME', 'a.example', 'ENODATA', 'is no alias'],
  ['A', 'slow.example', 'ETIMEOUT', 'nobody answers for'],
  ['A', 'broken.example', 'ESERVFAIL', 'whose server fails'],
  ['A', 'refusing.example', 'ESERVFAIL', 'whose server refuses'],
] as const) {
  test(`${type} of a name that ${why} rejects with ${code}`, async () => {
    await assert.rejects(ask(name, type), { name: 'LookupError', code })
  })
}

test('a type that nobody asks for is an error of the caller', async () => {
  await assert.rejects(ask('a.example', 'SOA'), RangeError)
})

test('after the abort lookups reject with its reason', async () => {
  const reason = new Error('too late')
  await assert.rejects(resolverFor(zone({}), AbortSignal.abort(reason))('a.example', 'A'), reason)
})

test('an abort ends a lookup that is under way', async () => {
  const dns: Resolver = Object.assign(zone({}), {
    a: (_name: string, signal?: AbortSignal) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('closed')))),
  })
  const stop = new AbortController()
  const lookup = resolverFor(dns, stop.signal)('a.example', 'A')
  const reason = new Error('too late')
  stop.abort(reason)
  await assert.rejects(lookup, reason)
})

test('a question is asked once, whatever the answer', async () => {
  const asked: string[] = []
  const once = remembering((name, type) => {
    asked.push(`${type} ${name}`)
    return ask(name, type)
  })
  await Promise.all([once('a.example', 'A'), once('a.example', 'A'), once('a.example', 'AAAA')])
  await assert.rejects(once('no.example', 'A'))
  await assert.rejects(once('no.example', 'A'))
  assert.deepEqual(asked, ['A a.example', 'AAAA a.example', 'A no.example'])
})
