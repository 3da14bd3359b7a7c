import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { manualPage, reference } from '../../../core/config/manual.ts'
import type { Origin, Resolver, Verdict } from '../../../core/index.ts'
import { Check, DnsError, SmtpError } from '../../../core/index.ts'
import type { Zone } from '../../../core/kit/dns/index.ts'
import { zone } from '../../../core/kit/dns/index.ts'
import dnsbl from '../../../modules/check/dnsbl/index.ts'
import { instance, serve } from '../../support/server.ts'
import { sampleEnvelope } from '../../support/target.ts'
import { dial } from '../../support/wire.ts'

const never = new AbortController().signal

/** What a list has when nothing is wrong with it. */
const healthy = (name: string): Zone => ({ [`2.0.0.127.${name}`]: { A: ['127.0.0.2'] } })

const originOf = (client: Partial<Origin>): Origin => ({
  ...sampleEnvelope('').origin,
  peer: { ip: '192.0.2.7', port: 1 },
  ...client,
})

/** The same DNS, with other answers to some kinds of questions. */
const altered = (dns: Resolver, changes: Partial<Resolver>): Resolver =>
  new Proxy(dns, {
    get(target, name) {
      const known: unknown = Reflect.get(name in changes ? changes : target, name)
      return typeof known === 'function' ? known.bind(target) : known
    },
  })

/** DNS that answers nothing until it is told to stop; `asked` is told of each question. */
const silent = (asked: () => void = () => {}): Resolver =>
  altered(zone({}), {
    a: (_name, signal) =>
      new Promise((_resolve, reject) => {
        asked()
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
  })

/** What a check with these lines in its block finds about a client, 192.0.2.7 unless told otherwise. */
const found = async (lines: string, dns: Zone, client: Partial<Origin> = {}): Promise<Verdict | undefined> => {
  await using check = await instance(Check, `check.dnsbl c {\n${lines}\n}`, { dns: zone(dns) })
  const inspection = check.api.begin({ ...sampleEnvelope('a@b.example'), origin: originOf(client) })
  return inspection.connection?.(never)
}

/** The same in words: `reject 554 5.7.0 Text`. */
const judged = async (...given: Parameters<typeof found>): Promise<string> => {
  const verdict = await found(...given)
  const { action, reason } = verdict ?? {}
  return reason ? `${action} ${reason.code} ${reason.enhanced} ${reason.message}` : 'nothing'
}

/** The number of points, told by the threshold that they reach. */
const points = async (lines: string, dns: Zone, client: Partial<Origin> = {}): Promise<unknown> =>
  (await found(`quarantine_threshold -1000\n${lines}`, dns, client))?.reason?.fields.score

const listed = 'Client identity is listed in the used DNSBL'
const client = '7.2.0.192.bl.test'

test('a client whose address is listed is quarantined unless told otherwise', async () => {
  assert.equal(await judged('bl.test { }', { [client]: { A: ['127.0.0.2'] } }), `quarantine 554 5.7.0 ${listed}`)
})

test('a list needs no block', async () => {
  assert.equal(await judged('bl.test', { [client]: { A: ['127.0.0.2'] } }), `quarantine 554 5.7.0 ${listed}`)
})

test('a client that is not listed passes', async () => {
  assert.equal(await judged('bl.test { }', {}), 'nothing')
})

test('an answer outside of responses means nothing', async () => {
  assert.equal(await judged('bl.test { }', { [client]: { A: ['10.0.0.1'] } }), 'nothing')
  const dns = { [client]: { A: ['10.0.0.1', '127.0.0.9'] } }
  assert.match(await judged('bl.test { }', dns), /^quarantine/)
})

test('responses are addresses and networks', async () => {
  const conf = 'bl.test {\nresponses 127.0.0.4 10.0.0.0/8\n}'
  for (const [answer, verdict] of [
    ['127.0.0.4', /^quarantine/],
    ['127.0.0.5', /^nothing/],
    ['10.1.2.3', /^quarantine/],
  ] as const) {
    assert.match(await judged(conf, { [client]: { A: [answer] } }), verdict)
  }
})

test('from reject_threshold on a client is refused', async () => {
  const conf = 'reject_threshold 5\nbl.test {\nscore 5\n}'
  assert.equal(await judged(conf, { [client]: { A: ['127.0.0.2'] } }), `reject 554 5.7.0 ${listed}`)
})

test('a name in a greeting is looked up when asked for, and any answer counts', async () => {
  const conf = 'reject_threshold 1\nbl.test {\nehlo yes\nclient_ipv4 no\n}'
  const dns = { 'spam.example.bl.test': { A: ['10.0.0.1'] }, [client]: { A: ['127.0.0.2'] } }
  assert.equal(await judged(conf, dns, { helo: 'spam.example.' }), `reject 554 5.7.0 ${listed}`)
  assert.equal(await judged(conf, dns, { helo: 'ham.example' }), 'nothing')
})

test('names in greetings are left alone unless asked for', async () => {
  const dns = { 'spam.example.bl.test': { A: ['127.0.0.2'] } }
  assert.equal(await judged('bl.test { }', dns, { helo: 'spam.example' }), 'nothing')
})

test('an address literal in a greeting is not looked up', async () => {
  const dns = { '[192.0.2.7].bl.test': { A: ['127.0.0.2'] } }
  assert.equal(await judged('bl.test {\nehlo yes\n}', dns, { helo: '[192.0.2.7]' }), 'nothing')
})

test('a client counts once for a list, by its address before its name', async () => {
  const dns = { [client]: { A: ['127.0.0.2'] }, 'spam.example.bl.test': { A: ['127.0.0.2'] } }
  const verdict = await found('bl.test {\nscore 2\nehlo yes\n}', dns, { helo: 'spam.example' })
  assert.equal(verdict?.reason?.fields.score, 2)
  assert.equal(verdict?.reason?.fields.listed_identity, '192.0.2.7')
})

const rules = `bl.test {
  score 3
  response 127.0.0.2 127.0.0.3 {
    score 5
    message "Open relay"
  }
  response 127.0.0.8/29 {
    score 10
    message "Dial-up"
  }
}`

test('the points of all responses that are met are added up, each once', async () => {
  assert.equal(await points(rules, { [client]: { A: ['127.0.0.2', '127.0.0.3', '127.0.0.9'] } }), 15)
})

test('with response blocks no other answer means that a client is listed', async () => {
  assert.equal(await judged(rules, { [client]: { A: ['127.0.0.4'] } }), 'nothing')
})

test('points of responses that add up to nothing are those of the list', async () => {
  const conf = 'bl.test {\nscore 3\nresponse 127.0.0.2 {\nscore 0\n}\n}'
  assert.equal(await points(conf, { [client]: { A: ['127.0.0.2'] } }), 3)
})

test('a client is told the message of the first response that has one', async () => {
  const verdict = await found(rules, { [client]: { A: ['127.0.0.9', '127.0.0.2'] } })
  assert.equal(verdict?.reason?.message, 'Dial-up')
})

test('a client on several lists is told the messages of all', async () => {
  const conf = ['one.test', 'two.test', 'three.test']
    .map(
      (name) => `${name} {\nresponse 127.0.0.2 {\nscore 1\n${name === 'two.test' ? '' : `message "On ${name}"`}\n}\n}`,
    )
    .join('\n')
  const answer = { A: ['127.0.0.2'] }
  const dns = {
    '7.2.0.192.one.test': answer,
    '7.2.0.192.two.test': answer,
    '7.2.0.192.three.test': answer,
  }
  assert.equal(await judged(conf, dns), 'quarantine 554 5.7.0 On one.test; On three.test')
})

test('several zones share a block', async () => {
  const answer = { A: ['127.0.0.2'] }
  const dns = { '7.2.0.192.one.test': answer, '7.2.0.192.two.test': answer }
  assert.equal(await points('one.test two.test {\nscore 4\n}', dns), 8)
})

test('a list of good clients outweighs one of bad ones', async () => {
  const conf = 'quarantine_threshold 1\nreject_threshold 2\nbad.test {\nscore 3\n}\ngood.test {\nscore -3\n}'
  const answer = { A: ['127.0.0.2'] }
  assert.match(await judged(conf, { '7.2.0.192.bad.test': answer }), /^reject/)
  assert.equal(await judged(conf, { '7.2.0.192.bad.test': answer, '7.2.0.192.good.test': answer }), 'nothing')
})

test('an IPv6 address is looked up by its nibbles', async () => {
  const name = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test'
  const dns = { [name]: { A: ['127.0.0.2'] } }
  const peer = { ip: '2001:db8::1', port: 1 }
  assert.match(await judged('bl.test { }', dns, { peer }), /^quarantine/)
  assert.equal(await judged('bl.test {\nclient_ipv6 no\n}', dns, { peer }), 'nothing')
})

test('an IPv4 address that is written as IPv6 is looked up as what it is', async () => {
  const dns = { [client]: { A: ['127.0.0.2'] } }
  assert.match(await judged('bl.test { }', dns, { peer: { ip: '::ffff:192.0.2.7', port: 1 } }), /^quarantine/)
})

test('IPv4 addresses are left alone where a list is not about them', async () => {
  assert.equal(await judged('bl.test {\nclient_ipv4 no\n}', { [client]: { A: ['127.0.0.2'] } }), 'nothing')
})

test('IPv6 answers count where a response names them', async () => {
  const dns = { [client]: { AAAA: ['2001:db8::5'] } }
  assert.match(await judged('bl.test {\nresponses 2001:db8::/32\n}', dns), /^quarantine/)
  assert.match(await judged('bl.test {\nresponse 2001:db8::5 {\nscore 1\n}\n}', dns), /^quarantine/)
})

test('a client on a Unix socket is not looked up', async () => {
  assert.equal(await judged('reject_threshold 0\nbl.test { }', {}, { peer: null }), 'nothing')
})

test('a threshold of 0 is reached by everybody', async () => {
  assert.equal(await judged('reject_threshold 0\nbl.test { }', {}), `reject 554 5.7.0 ${listed}`)
})

for (const fails of ['SERVFAIL', 'timeout']) {
  test(`a client is to try again when a list cannot be asked (${fails})`, async () => {
    const conf = 'bl.test { }\nother.test { }'
    const verdict = await judged(conf, { [client]: { fails }, '7.2.0.192.other.test': { A: ['127.0.0.2'] } })
    assert.equal(verdict, 'reject 451 4.7.0 DNS error during policy check')
  })
}

test('what is no failure of the DNS defers the message by itself', async () => {
  const dns = altered(zone({}), { a: () => Promise.reject(new TypeError('broken')) })
  await using check = await instance(Check, 'check.dnsbl c {\nbl.test { }\n}', { dns })
  const inspection = check.api.begin({ ...sampleEnvelope('a@b.example'), origin: originOf({}) })
  await assert.rejects(async () => inspection.connection?.(never), TypeError)
})

test('what a list says of a client is for the log, and not for the client', async () => {
  const dns = { [client]: { A: ['127.0.0.2'], TXT: ['see https://bl.test/192.0.2.7', 'spam seen'] } }
  const { reason } = (await found('bl.test { }', dns)) ?? {}
  assert.equal(reason?.fields.reason, 'see https://bl.test/192.0.2.7; spam seen')
  assert.equal(reason?.fields.list, 'bl.test')
  assert.equal(reason?.message, listed)
})

test('a list that says nothing of a client is logged by its answers', async () => {
  const verdict = await found('bl.test { }', { [client]: { A: ['127.0.0.2', '127.0.0.3'] } })
  assert.equal(verdict?.reason?.fields.reason, '127.0.0.2; 127.0.0.3')
})

test('a list whose words cannot be had counts all the same', async () => {
  const dns = altered(zone({ [client]: { A: ['127.0.0.2'] } }), {
    txt: () => Promise.reject(new DnsError('SERVFAIL', 'no words')),
  })
  await using check = await instance(Check, 'check.dnsbl c {\nbl.test { }\n}', { dns })
  const inspection = check.api.begin({ ...sampleEnvelope('a@b.example'), origin: originOf({}) })
  assert.equal((await inspection.connection?.(never))?.action, 'quarantine')
})

test('zones after the name of the module count no points, with any answer, which check warns of', async () => {
  const conf = (more: string) =>
    `checks c {\ndnsbl one.test two.test {\n${more}\n}\n}\nsmtp tcp://127.0.0.1:0 {\nhostname mx.example\ntls off\ncheck &c\ndeliver_to dummy\n}`
  const dns = zone({ '1.0.0.127.one.test': { A: ['10.0.0.1'] } })
  await using server = await serve(conf('debug yes'), { dns })
  await using accepted = await greeted(server.port('smtp'))
  await accepted.command('MAIL FROM:<a@b.example>', '250 *')
  await accepted.command('RCPT TO:<a@h.example>', '250 *')
  const log = await server.log()
  assert.doesNotMatch(log, /quarantined/)
  assert.match(log, /listed, but for too few points.*"list":"one\.test".*"msg_id":"[\da-f]{8}"/)
  assert.match(log, /a list counts no points here/)
})

/** What is wrong with a block of these lines. */
const wrong = async (lines: string): Promise<string> => {
  let message = ''
  await assert.rejects(instance(Check, `check.dnsbl c {\n${lines}\n}`), (error: Error) => {
    message = error.message
    return true
  })
  return message
}

for (const [lines, message] of [
  ['chek_early yes', /test\.conf:2:1: check\.dnsbl has no directive chek_early; did you mean check_early\?/],
  ['something yes', /no directive something, and lists are named by zones such as bl\.example\.org/],
  ['score 5', /test\.conf:2:1: score belongs into the block of a list/],
  ['response 127.0.0.2 {\nscore 1\n}', /response belongs into the block of a list/],
  ['check_early perhaps', /expected yes or no, not perhaps/],
  ['bl.test {\nscor 5\n}', /test\.conf:3:1: bl\.test has no directive scor; did you mean score\?/],
  ['bl.test {\nscore many\n}', /test\.conf:3:7: expected a whole number, not many/],
  ['bl.test {\nscore 1\nscore 2\n}', /score is given twice/],
  ['bl.test {\nresponses 127.0.0.1/33\n}', /test\.conf:3:11: a network of 127\.0\.0\.1 has at most 32 bits, not 33/],
  ['bl.test {\nresponses\n}', /responses needs IP\|NETWORK…/],
  ['bl.test {\nresponse {\nscore 1\n}\n}', /response needs IP\|NETWORK…/],
  ['bl.test {\nresponse 127.0.0.2 { }\n}', /test\.conf:3:1: response needs score NUMBER/],
  ['bl.test {\nresponse localhost {\nscore 1\n}\n}', /localhost is no IP address or network/],
  [
    'bl.test {\nresponse 127.0.0.2 {\nscore 1\nmesage x\n}\n}',
    /response has no directive mesage; did you mean message\?/,
  ],
  ['bl.test {\nscore -1\nehlo yes\n}', /bl\.test has a negative score, so ehlo and mailfrom must be no/],
  ['bl.test {\nscore -1\nmailfrom yes\n}', /bl\.test has a negative score/],
  ['bl.test 127.0.0.2', /test\.conf:2:9: expected the zone of a list such as bl\.example\.org, not 127\.0\.0\.2/],
  ['bl..test { }', /expected the zone of a list such as bl\.example\.org, not bl\.\.test/],
] as const) {
  test(`${JSON.stringify(lines)} is an error with its place and a way out`, async () => {
    assert.match(await wrong(lines), message)
  })
}

test('all mistakes of a block are told at once', async () => {
  const message = await wrong('quarantine_threshold x\nbl.test {\nscore y\nehlo z\n}\nother.test {\nresponses q\n}')
  for (const place of ['2:22', '4:7', '5:6', '8:11']) assert.match(message, new RegExp(`test\\.conf:${place}:`))
})

const smtp = (lines: string, more = 'deliver_to dummy') =>
  `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\ndefer_sender_reject no\ncheck {\ndnsbl {\n${lines}\n}\n}\n${more}\n}`

/** A client of the server that has greeted. */
async function greeted(port: number) {
  const client = await dial(port)
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  return client
}

const here = '1.0.0.127.bl.test'

test('a client that is refused hears so with MAIL', async () => {
  const dns = zone({ [here]: { A: ['127.0.0.2'] } })
  await using server = await serve(smtp('reject_threshold 1\nbl.test { }'), { dns })
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', `554 5.7.0 ${listed} (msg ID = *)`)
})

test('a client that is looked up early hears with its greeting that it is refused, and may greet again', async () => {
  const dns = zone({ [here]: { A: ['127.0.0.2'] } })
  await using server = await serve(smtp('check_early yes\nreject_threshold 1\nbl.test { }'), { dns })
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', `554 5.7.0 ${listed}`)
  await client.command('MAIL FROM:<a@b.example>', '502 5.5.1 *')
  await client.command('EHLO client.example', `554 5.7.0 ${listed}`)
})

test('a client that is looked up early hears with its greeting when a list cannot be asked', async () => {
  const dns = zone({ [here]: { fails: 'SERVFAIL' } })
  await using server = await serve(smtp('check_early yes\nbl.test { }'), { dns })
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '451 4.7.0 DNS error during policy check')
})

test('a client that is looked up early is quarantined later all the same', async () => {
  const dns = zone({ [here]: { A: ['127.0.0.2'] } })
  await using server = await serve(smtp('check_early yes\nbl.test { }'), { dns })
  await using client = await greeted(server.port('smtp'))
  await client.command('MAIL FROM:<a@b.example>', '250 *')
  assert.match(await server.log(), /quarantined.*"check":"dnsbl"/)
})

test('lists work in blocks for senders and recipients, and in nested pipelines', async () => {
  const check = 'check {\ndnsbl {\nreject_threshold 1\nbl.test { }\n}\n}'
  const dns = zone({ [here]: { A: ['127.0.0.2'] } })
  for (const body of [
    `default_source {\n${check}\ndeliver_to dummy\n}`,
    `default_destination {\n${check}\ndeliver_to dummy\n}`,
    `reroute {\n${check}\ndeliver_to dummy\n}`,
  ]) {
    await using server = await serve(`smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\n${body}\n}`, { dns })
    await using client = await greeted(server.port('smtp'))
    await client.command('MAIL FROM:<a@b.example>', '250 *')
    await client.command('RCPT TO:<a@h.example>', `554 5.7.0 ${listed} *`)
  }
})

/** The log of a check with these lists, once they have been tried. */
const probed = async (lines: string, dns: Zone): Promise<string> => {
  await using check = await instance(Check, `check.dnsbl c {\n${lines}\n}`, { dns: zone(dns) })
  await new Promise((resolve) => setImmediate(resolve)) // a DNS in memory has answered everything by then
  return await readFile(join(check.directory, 'log'), 'utf8')
}

test('a list without its test entry is logged at the start, one that is in order is not', async () => {
  const log = await probed('good.test { }\nempty.test { }', healthy('good.test'))
  assert.match(log, /list does not contain its test entry.*"list":"empty\.test"/)
  assert.doesNotMatch(log, /good\.test/)
})

test('a list that has everybody is logged at the start', async () => {
  const log = await probed('bl.test { }', { ...healthy('bl.test'), '1.0.0.127.bl.test': { A: ['192.0.2.1'] } })
  assert.match(log, /list contains what no list may contain.*"entry":"1\.0\.0\.127\.bl\.test"/)
})

test('a list of names is tried by its test names', async () => {
  const dns = { 'test.bl.test': { A: ['127.0.0.2'] }, 'invalid.bl.test': { A: ['127.0.0.2'] } }
  const log = await probed('bl.test {\nclient_ipv4 no\nehlo yes\n}', dns)
  assert.match(log, /list contains what no list may contain.*"entry":"invalid\.bl\.test"/)
  assert.doesNotMatch(log, /2\.0\.0\.127|does not contain/)
})

test('a list that cannot be asked at the start is logged, and the server runs', async () => {
  assert.match(await probed('bl.test { }', { '2.0.0.127.bl.test': { fails: 'timeout' } }), /list could not be asked/)
})

test('lists that never answer hold neither start nor end up', async () => {
  let asked = 0
  const check = await instance(Check, 'check.dnsbl c {\nbl.test { }\n}', { dns: silent(() => asked++) })
  await check[Symbol.asyncDispose]()
  assert.equal(asked, 1)
})

test('a lookup ends when the check has to', async () => {
  await using check = await instance(Check, 'check.dnsbl c {\nbl.test { }\n}', { dns: silent() })
  const deadline = new AbortController()
  const inspection = check.api.begin({ ...sampleEnvelope('a@b.example'), origin: originOf({}) })
  const judging = inspection.connection?.(deadline.signal)
  deadline.abort(new Error('enough'))
  await assert.rejects(async () => judging, /enough/)
})

test('only a check that looks clients up early delays their greeting', async () => {
  await using late = await instance(Check, 'check.dnsbl c {\nbl.test { }\n}')
  assert.equal(late.api.greeted, undefined)
  const dns = zone({ [client]: { A: ['127.0.0.2'] } })
  await using early = await instance(Check, 'check.dnsbl c {\ncheck_early yes\nreject_threshold 1\nbl.test { }\n}', {
    dns,
  })
  await assert.rejects(async () => early.api.greeted?.(originOf({}), never), SmtpError)
})

test('the manual tells what may stand in the block of a list', () => {
  const page = manualPage(dnsbl)
  assert.match(page, /^ZONE… \[\{ … \}\]\n {4}Lists by their zones/m)
  assert.match(page, /^ {4}client_ipv4 \[yes\|no\]$/m)
  assert.match(page, /^ {8}score NUMBER$/m)
  const { blocks } = reference([dnsbl], {}, {})
  const names = (block: string) => blocks[block]?.map(({ name }) => name)
  assert.deepEqual(names('check.dnsbl.response'), ['score', 'message'])
  assert.equal(names('check.dnsbl.list')?.length, 7)
})
