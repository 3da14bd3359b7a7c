import assert from 'node:assert/strict'
import { test } from 'node:test'
import { zone } from '../../../core/kit/dns/index.ts'

test('a name that is not given does not exist', async () => {
  assert.deepEqual(await zone({}).mx('x.example'), { records: [], authentic: false, nonexistent: true })
})

test('a name without records of a type has none, but exists', async () => {
  assert.deepEqual(await zone({ 'x.example': { A: ['192.0.2.1'] } }).mx('x.example'), { records: [], authentic: false })
})

test('a name that only has names below it exists', async () => {
  assert.deepEqual(await zone({ 'a.x.example': { A: ['192.0.2.1'] } }).a('x.example'), {
    records: [],
    authentic: false,
  })
})

test('exchangers come best first, and a null MX has an empty host', async () => {
  const dns = zone({ 'x.example': { MX: ['20 b.example.', '10 a.example'] }, 'nomail.example': { MX: ['0 .'] } })
  assert.deepEqual((await dns.mx('x.example')).records, [
    { host: 'a.example', preference: 10 },
    { host: 'b.example', preference: 20 },
  ])
  assert.deepEqual((await dns.mx('nomail.example')).records, [{ host: '', preference: 0 }])
})

test('addresses, texts, TLSA records and names of servers', async () => {
  const dns = zone({
    'x.example': {
      A: ['192.0.2.1', '192.0.2.2'],
      AAAA: ['2001:db8::1'],
      TXT: ['v=spf1 -all', ['one', 'two']],
      NS: ['ns.example.'],
    },
    '_25._tcp.x.example': { TLSA: ['3 1 1 00ff'] },
  })
  assert.deepEqual((await dns.a('x.example')).records, ['192.0.2.1', '192.0.2.2'])
  assert.deepEqual((await dns.aaaa('x.example')).records, ['2001:db8::1'])
  assert.deepEqual((await dns.txt('x.example')).records, ['v=spf1 -all', 'onetwo'])
  assert.deepEqual((await dns.ns('x.example')).records, ['ns.example'])
  const tlsa = { usage: 3, selector: 1, matchingType: 1, data: Buffer.from([0x00, 0xff]) }
  assert.deepEqual((await dns.tlsa('_25._tcp.x.example')).records, [tlsa])
})

test('an address has names under its own key', async () => {
  const dns = zone({ '192.0.2.1': { PTR: ['a.example.'] }, '2001:db8::1': { PTR: ['b.example.'] } })
  assert.deepEqual((await dns.reverse('192.0.2.1')).records, ['a.example'])
  assert.deepEqual((await dns.reverse('::ffff:192.0.2.1')).records, ['a.example'])
  assert.deepEqual((await dns.reverse('2001:0db8:0::1')).records, ['b.example'])
  assert.deepEqual((await dns.reverse('no address')).records, [])
})

test('aliases are followed, and their end has a name', async () => {
  const dns = zone({
    'a.example': { CNAME: 'b.example.' },
    'b.example': { CNAME: 'c.example' },
    'c.example': { A: ['192.0.2.1'] },
  })
  assert.deepEqual((await dns.a('a.example')).records, ['192.0.2.1'])
  assert.deepEqual((await dns.canonical('a.example')).records, ['c.example'])
  assert.deepEqual((await dns.canonical('c.example')).records, [])
})

test('aliases in a circle have no records', async () => {
  const dns = zone({ 'a.example': { CNAME: 'b.example' }, 'b.example': { CNAME: 'a.example' } })
  assert.deepEqual((await dns.a('a.example')).records, [])
})

test('an answer is authentic when all on the way to it is', async () => {
  const dns = zone({
    'safe.example': { A: ['192.0.2.1'], authentic: true },
    'a.example': { CNAME: 'safe.example', authentic: true },
    'b.example': { CNAME: 'safe.example' },
  })
  assert.ok((await dns.a('a.example')).authentic)
  assert.ok(!(await dns.a('b.example')).authentic)
})

test('a name may fail', async () => {
  const dns = zone({ 'x.example': { fails: 'SERVFAIL' } })
  await assert.rejects(dns.txt('x.example'), { name: 'DnsError', code: 'SERVFAIL' })
})

test('names are asked for in A-labels, in any case and with a final dot or not', async () => {
  const dns = zone({ 'Bücher.example': { A: ['192.0.2.1'] } })
  for (const name of ['bücher.example', 'XN--BCHER-KVA.example.', 'xn--bcher-kva.EXAMPLE']) {
    assert.deepEqual((await dns.a(name)).records, ['192.0.2.1'], name)
  }
})

test('a name that DNS could not hold does not exist', async () => {
  for (const name of [
    '',
    '.',
    'a..example',
    `${'a'.repeat(64)}.example`,
    'a.'.repeat(127),
    'a b.example',
    'xn--99999999.example',
  ]) {
    assert.deepEqual(await zone({}).a(name), { records: [], authentic: false, nonexistent: true }, name)
  }
})
