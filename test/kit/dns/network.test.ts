import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { encode, RECURSION_AVAILABLE } from 'dns-packet'
import fc from 'fast-check'
import type { DnsOptions } from '../../../core/kit/dns/index.ts'
import { DnsResolver, parseServer } from '../../../core/kit/dns/index.ts'
import { parseHosts, parseResolvConf } from '../../../core/kit/dns/system.ts'
import type { DnsServer, Respond } from '../../support/dns_server.ts'
import { dnsServer, truncated } from '../../support/dns_server.ts'

let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dns-'))
})

after(() => rm(folder, { recursive: true }))

const records = {
  'x.example': { A: ['192.0.2.1'], MX: ['10 mx.x.example'], TXT: ['text'], authentic: true },
  '192.0.2.1': { PTR: ['x.example'] },
  'broken.example': { fails: 'SERVFAIL' },
  'refused.example': { fails: 'REFUSED' },
}

/** A resolver that asks these servers, with no files of the system around. */
const resolver = (servers: readonly DnsServer[], options: DnsOptions = {}) =>
  new DnsResolver({
    servers: servers.map(({ address }) => address),
    hosts: '/nonexistent/hosts',
    resolvConf: '/nonexistent/resolv.conf',
    timeout: 2_000,
    attempts: 1,
    ...options,
  })

test('questions are answered by a server', async () => {
  await using server = await dnsServer(records)
  const dns = resolver([server])
  assert.deepEqual((await dns.a('x.example')).records, ['192.0.2.1'])
  assert.deepEqual((await dns.mx('x.example')).records, [{ host: 'mx.x.example', preference: 10 }])
  assert.deepEqual((await dns.reverse('192.0.2.1')).records, ['x.example'])
  assert.deepEqual(await dns.txt('nothing.example'), { records: [], authentic: false, nonexistent: true })
})

test('an answer that is cut off is asked for again over TCP', async () => {
  const long = Array.from({ length: 40 }, (_, index) => `${index}: ${'x'.repeat(200)}`)
  const respond: Respond = (query, honest, transport) => [transport === 'udp' ? truncated(query) : honest]
  await using server = await dnsServer({ 'x.example': { TXT: long } }, respond)
  assert.deepEqual((await resolver([server]).txt('x.example')).records, long)
  assert.deepEqual(server.asked, ['udp TXT x.example', 'tcp TXT x.example'])
})

test('a server that fails is an error with its code, and not a name that does not exist', async () => {
  await using server = await dnsServer(records)
  await assert.rejects(resolver([server]).a('broken.example'), { name: 'DnsError', code: 'SERVFAIL' })
  await assert.rejects(resolver([server]).a('refused.example'), { name: 'DnsError', code: 'REFUSED' })
})

test('when one server fails the next is asked', async () => {
  await using broken = await dnsServer({ 'x.example': { fails: 'SERVFAIL' } })
  await using server = await dnsServer(records)
  const traced: unknown[] = []
  const dns = resolver([broken, server], { trace: (_event, { code }) => traced.push(code) })
  assert.deepEqual((await dns.a('x.example')).records, ['192.0.2.1'])
  assert.deepEqual(traced, ['SERVFAIL'])
})

test('when nobody answers it is tried again, and at last a timeout', async () => {
  await using silent = await dnsServer(records, () => [])
  await assert.rejects(resolver([silent], { timeout: 30, attempts: 3 }).a('x.example'), { code: 'timeout' })
  assert.equal(silent.asked.length, 3)
})

test('an answer to the second try is as good', async () => {
  await using server = await dnsServer(records, (_query, honest) => (server.asked.length > 1 ? [honest] : []))
  const dns = resolver([server], { timeout: 300, attempts: 2 })
  assert.deepEqual((await dns.a('x.example')).records, ['192.0.2.1'])
})

test('a server that is not there is an error at once', async () => {
  const server = await dnsServer(records)
  await server[Symbol.asyncDispose]()
  await assert.rejects(resolver([server], { timeout: 60_000 }).a('x.example'), { code: 'unreachable' })
})

const forged = encode({
  type: 'response',
  id: 0,
  flags: RECURSION_AVAILABLE,
  questions: [{ type: 'A', name: 'x.example', class: 'IN' }],
  answers: [{ type: 'A', name: 'x.example', ttl: 60, data: '203.0.113.66' }],
})

/** The forged answer with the right number and another question. */
const aside = (id: number, type: 'A' | 'AAAA', name: string) =>
  encode({
    type: 'response',
    id,
    flags: RECURSION_AVAILABLE,
    questions: [{ type, name, class: 'IN' }],
    answers: [{ type: 'A', name: 'x.example', ttl: 60, data: '203.0.113.66' }],
  })

test('packets with another number, another question or none of DNS are passed over', async () => {
  const respond: Respond = (query, honest) => {
    const id = query.id ?? 0
    const wrong = Buffer.from(forged)
    wrong.writeUInt16BE((id + 1) % 0x10000)
    const question = encode({ type: 'query', id, questions: query.questions ?? [] })
    return [
      wrong,
      aside(id, 'A', 'y.example'),
      aside(id, 'AAAA', 'x.example'),
      question,
      Buffer.from('garbage'),
      honest,
    ]
  }
  await using server = await dnsServer(records, respond)
  assert.deepEqual((await resolver([server]).a('x.example')).records, ['192.0.2.1'])
})

test('records of other names in an answer are left out', async () => {
  const respond: Respond = (query) => [
    encode({
      type: 'response',
      id: query.id ?? 0,
      flags: RECURSION_AVAILABLE,
      questions: query.questions ?? [],
      answers: [
        { type: 'A', name: 'y.example', ttl: 60, data: '203.0.113.66' },
        { type: 'A', name: 'X.Example', ttl: 60, data: '192.0.2.1' },
      ],
    }),
  ]
  await using server = await dnsServer(records, respond)
  assert.deepEqual((await resolver([server]).a('x.example')).records, ['192.0.2.1'])
})

test('an answer that breaks off is malformed', async () => {
  await using server = await dnsServer(records, (_query, honest) => [honest.subarray(0, -2)])
  await assert.rejects(resolver([server]).a('x.example'), { code: 'malformed' })
})

test('whatever bytes follow the right number, there is an answer or a DnsError', async () => {
  let bytes: Uint8Array = Buffer.alloc(0)
  await using server = await dnsServer(records, (_query, honest) => [Buffer.concat([honest.subarray(0, 3), bytes])])
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 80 }), async (random) => {
      bytes = random
      await resolver([server], { timeout: 5 })
        .txt('x.example')
        .catch((error) => assert.equal(error.name, 'DnsError'))
    }),
    { numRuns: 60 },
  )
})

test('a host name with unprintable characters is left out', async () => {
  await using server = await dnsServer({ '192.0.2.1': { PTR: ['evil\r\nX: y.example', 'good.example'] } })
  assert.deepEqual((await resolver([server]).reverse('192.0.2.1')).records, ['good.example'])
})

test('an authentic answer of this machine is believed', async () => {
  await using server = await dnsServer(records)
  assert.ok((await resolver([server]).a('x.example')).authentic)
})

test('an answer is remembered for as long as it says', async () => {
  await using server = await dnsServer(records)
  let now = 0
  const dns = resolver([server], { now: () => now })
  for (now of [0, 299_000, 301_000]) await dns.a('x.example')
  assert.equal(server.asked.length, 2)
})

test('that there is nothing is remembered for as long as the SOA says', async () => {
  await using server = await dnsServer(records)
  let now = 0
  const dns = resolver([server], { now: () => now })
  for (now of [0, 29_000, 31_000]) assert.ok((await dns.a('nothing.example')).nonexistent)
  assert.equal(server.asked.length, 2)
})

test('a failure is not remembered', async () => {
  await using server = await dnsServer(records)
  const dns = resolver([server])
  for (let times = 0; times < 2; times++) await assert.rejects(dns.a('broken.example'))
  assert.equal(server.asked.length, 2)
})

test('what is remembered has a limit', async () => {
  await using server = await dnsServer(records)
  const dns = resolver([server], { capacity: 1 })
  for (const type of ['a', 'txt', 'a'] as const) await dns[type]('x.example')
  assert.equal(server.asked.length, 3)
})

test('the same question at the same time is asked once', async () => {
  await using server = await dnsServer(records)
  const dns = resolver([server])
  await Promise.all([dns.a('x.example'), dns.a('X.example.'), dns.a('x.example')])
  assert.equal(server.asked.length, 1)
})

test('who gives up stops waiting, and others get their answer', async () => {
  const heard = Promise.withResolvers<void>()
  await using server = await dnsServer(records, (_query, honest) => {
    heard.resolve()
    return server.asked.length === 1 ? [] : [honest]
  })
  const dns = resolver([server], { timeout: 300, attempts: 2 })
  const stop = new AbortController()
  const other = dns.a('x.example')
  const mine = dns.a('x.example', stop.signal)
  await heard.promise
  stop.abort(new Error('enough'))
  await assert.rejects(mine, { message: 'enough' })
  assert.deepEqual((await other).records, ['192.0.2.1'])
})

test('a signal that has aborted asks nobody', async () => {
  await using server = await dnsServer(records)
  await assert.rejects(resolver([server]).a('x.example', AbortSignal.abort(new Error('enough'))), { message: 'enough' })
  assert.deepEqual(server.asked, [])
})

test('the hosts file answers for its names and addresses', async () => {
  const hosts = join(folder, 'hosts')
  await writeFile(hosts, '192.0.2.7 Relay.example relay # a comment\n2001:db8::7 relay\n')
  await using server = await dnsServer(records)
  const dns = resolver([server], { hosts })
  assert.deepEqual((await dns.a('relay.EXAMPLE')).records, ['192.0.2.7'])
  assert.deepEqual((await dns.aaaa('relay')).records, ['2001:db8::7'])
  assert.deepEqual((await dns.reverse('192.0.2.7')).records, ['relay.example', 'relay'])
  assert.deepEqual(server.asked, [])
})

test('localhost is this machine, without asking anybody', async () => {
  const dns = resolver([])
  assert.deepEqual((await dns.a('localhost')).records, ['127.0.0.1'])
  assert.deepEqual((await dns.aaaa('mail.localhost')).records, ['::1'])
})

test('resolv.conf names the servers and how to ask them', () => {
  const text =
    '# c\nnameserver 192.0.2.53\nnameserver 2001:db8::53 ; c\nnameserver nonsense\noptions timeout:2 attempts:3 trust-ad\nsearch x\n'
  assert.deepEqual(parseResolvConf(text), {
    servers: [
      { host: '192.0.2.53', port: 53 },
      { host: '2001:db8::53', port: 53 },
    ],
    timeout: 2_000,
    attempts: 3,
    trustAd: true,
  })
  assert.deepEqual(parseResolvConf(''), { servers: [], timeout: undefined, attempts: undefined, trustAd: false })
})

test('hosts files may hold anything', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHosts(text)))
})

test('a server is an address, with a port or without', () => {
  assert.deepEqual(parseServer('127.0.0.1:5353'), { host: '127.0.0.1', port: 5353 })
  assert.deepEqual(parseServer('192.0.2.1'), { host: '192.0.2.1', port: 53 })
  assert.deepEqual(parseServer('[::1]:5353'), { host: '::1', port: 5353 })
  assert.deepEqual(parseServer('2001:db8::1'), { host: '2001:db8::1', port: 53 })
  for (const text of ['', 'dns.example', '127.0.0.1:0', '127.0.0.1:99999', '127.0.0.1:x']) {
    assert.throws(() => parseServer(text), RangeError, text)
  }
})
