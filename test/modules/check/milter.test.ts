import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Body, Envelope, Origin } from '../../../core/index.ts'
import { Check } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { zone } from '../../../core/kit/dns/memory.ts'
import { memoryBody, parseHeader } from '../../../core/kit/message/index.ts'
import { steps } from '../../../core/kit/milter/index.ts'
import { carryOn, options, packet, scriptedFilter } from '../../kit/milter/filter.ts'
import { instance } from '../../support/server.ts'
import { sampleEnvelope, sampleMessage } from '../../support/target.ts'
import { filtered, never, said, show } from './milter_support.ts'

const envelope = (origin: Partial<Origin> = {}, more: Partial<Envelope> = {}): Envelope => {
  const sample = sampleEnvelope('a@a.example')
  return { ...sample, ...more, origin: { ...sample.origin, ...origin } }
}

const badConfigurations: readonly [string, RegExp][] = [
  ['', /needs an endpoint/],
  ['endpoint tls://127.0.0.1:1', /not by tls/],
  ['endpoint http://127.0.0.1:1', /expected tcp/],
  ['endpoint tcp://127.0.0.1', /port is missing/],
  ['endpoint tcp://127.0.0.1:0', /port 0/],
  ['endpoint unix:', /path is missing/],
]

for (const [directives, reason] of badConfigurations) {
  test(`a milter with ${directives || 'no endpoint'} is a mistake of the configuration`, async () => {
    await assert.rejects(instance(Check, `check.milter x {\n${directives}\n}`), (error: Error) => {
      assert.equal(error.name, 'ConfigError')
      assert.match(error.message, reason)
      return true
    })
  })
}

for (const scheme of ['tcp://', 'tcp:']) {
  test(`a filter is reached by ${scheme}`, async () => {
    await using filter = await scriptedFilter()
    await using made = await instance(Check, `check.milter x {\n endpoint ${scheme}127.0.0.1:${filter.port}\n}`)
    await using _ = await show(made.api)
    assert.equal(filter.sockets.length, 1)
  })
}

test('the relative path of a Unix socket is taken from the runtime directory', async () => {
  await using made = await instance(Check, 'check.milter x {\n endpoint unix:filter.sock\n}')
  await using filter = await scriptedFilter({ E: packet('r') }, join(made.directory, 'filter.sock'))
  await using judged = await show(made.api)
  assert.equal(said(judged.verdict), 'reject 550 5.7.1 Message rejected due to local policy')
  assert.equal(filter.sockets.length, 1)
})

test('a message is shown stage by stage, on a connection of its own', async () => {
  await using made = await filtered()
  await using judged = await made.show()
  assert.equal(said(judged.verdict), 'nothing')
  await using again = await made.show()
  assert.equal(said(again.verdict), 'nothing')
  await made.filter.closed()
  assert.equal(made.filter.codes(), 'OCHMRTLNBEQOCHMRTLNBEQ')
  assert.equal(made.filter.sockets.length, 2)
})

test('the filter is told of client, greeting, sender and recipient', async () => {
  await using made = await filtered()
  const from = envelope({ peer: { ip: '192.0.2.1', port: 4321 }, helo: 'c.example' }, { smtputf8: true })
  await using _ = await made.show({ envelope: from, recipients: ['ü@b.example'] })
  const { filter } = made
  const connected = filter.seen.find(({ code }) => code === 'C')
  assert.equal(connected?.data.toString('latin1'), '[192.0.2.1]\x004\x10\xe1192.0.2.1\0')
  assert.deepEqual(filter.texts('H'), ['c.example'])
  assert.deepEqual(filter.texts('M'), ['<a@a.example>', 'SMTPUTF8'])
  assert.deepEqual(filter.texts('R'), ['<ü@b.example>'])
})

test('a bounce has the empty sender', async () => {
  await using made = await filtered()
  await using _ = await made.show({ envelope: sampleEnvelope('') })
  assert.deepEqual(made.filter.texts('M'), ['<>'])
})

test('the symbols of each stage are told, with their braces', async () => {
  await using made = await filtered({}, { directives: 'hostname mx.h.example' })
  const tls = {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    certificate: { subject: 'CN=c', issuer: 'CN=ca' },
  }
  const message = sampleMessage('Message-Id: <1@a.example>\r\n')
  await using _ = await made.show({ envelope: envelope({ tls, user: 'ann' }), message })
  const { filter } = made
  assert.deepEqual(filter.symbols('C'), {
    j: 'mx.h.example',
    '{daemon_name}': 'maddy',
    '{if_name}': 'unknown',
    '{if_addr}': '0.0.0.0',
    v: 'tsmaddy',
    _: '[127.0.0.1]',
    '{client_addr}': '127.0.0.1',
    '{client_name}': '[127.0.0.1]',
    '{client_port}': '1',
    '{client_ptr}': 'unknown',
  })
  assert.deepEqual(filter.symbols('H'), {
    '{tls_version}': 'TLSv1.3',
    '{cipher}': 'TLS_AES_128_GCM_SHA256',
    '{cert_subject}': 'CN=c',
    '{cert_issuer}': 'CN=ca',
  })
  assert.deepEqual(filter.symbols('M'), {
    i: '0badcafe',
    '{auth_authen}': 'ann',
    '{auth_type}': 'PLAIN',
    '{mail_addr}': 'a@a.example',
    '{mail_host}': 'a.example',
    '{mail_mailer}': 'esmtp',
  })
  assert.deepEqual(filter.symbols('R'), {
    '{rcpt_addr}': 'b@b.example',
    '{rcpt_host}': 'b.example',
    '{rcpt_mailer}': 'esmtp',
  })
  assert.deepEqual(filter.symbols('T'), { i: '0badcafe' })
  assert.deepEqual(filter.symbols('N'), { i: '0badcafe' })
  assert.deepEqual(filter.symbols('E'), { i: '0badcafe', '{msg_id}': '<1@a.example>' })
})

test('a stranger without TLS or login has no symbols for them', async () => {
  await using made = await filtered()
  await using _ = await made.show()
  assert.deepEqual(made.filter.symbols('H'), {})
  assert.ok(!('{auth_type}' in made.filter.symbols('M')))
})

const names: readonly [string, string, string][] = [
  ['the name of a client whose name leads back to it is told', 'good.example', 'good.example'],
  ['a name that leads elsewhere is not believed', 'forged.example', '[192.0.2.1]'],
  ['a name whose addresses cannot be had is not believed', 'broken.example', '[192.0.2.1]'],
]

for (const [title, rdns, expected] of names) {
  test(title, async () => {
    const dns = zone({
      'good.example': { A: ['192.0.2.9', '192.0.2.1'] },
      'forged.example': { A: ['192.0.2.9'] },
      'broken.example': { fails: 'SERVFAIL' },
    })
    await using made = await filtered({}, { dns })
    await using _ = await made.show({ envelope: envelope({ peer: { ip: '192.0.2.1', port: 25 }, rdns }) })
    assert.equal(made.filter.texts('C')[0], expected)
    assert.equal(made.filter.symbols('C')['{client_ptr}'], rdns)
  })
}

test('an IPv6 client is known however its address is written', async () => {
  const dns = zone({ 'six.example': { AAAA: ['2001:DB8:0:0::1'] } })
  await using made = await filtered({}, { dns })
  await using _ = await made.show({
    envelope: envelope({ peer: { ip: '2001:db8::1', port: 25 }, rdns: 'six.example' }),
  })
  const connected = made.filter.seen.find(({ code }) => code === 'C')
  assert.equal(connected?.data.toString('latin1'), 'six.example\x006\0\x192001:db8::1\0')
})

test('a client on a Unix socket has no address', async () => {
  await using made = await filtered()
  await using _ = await made.show({ envelope: envelope({ protocol: 'LMTP', peer: null }) })
  assert.deepEqual(made.filter.texts('C'), ['localhost', 'U'])
})

test('mail that no client brought is not shown to filters', async () => {
  await using made = await filtered({ C: packet('r') })
  await using judged = await made.show({ envelope: envelope({ protocol: null, peer: null }) })
  assert.equal(said(judged.verdict), 'nothing')
  assert.equal(made.filter.sockets.length, 0)
})

test('fields are shown as they stand, folds and blanks and all', async () => {
  await using made = await filtered()
  const message = { ...sampleMessage(), header: parseHeader(Buffer.from('sUBJECT :  a\r\n\tb \r\nX:\r\n')) }
  await using _ = await made.show({ message })
  const shown = made.filter.seen.filter(({ code }) => code === 'L').map(({ data }) => data.toString('latin1'))
  assert.deepEqual(shown, ['sUBJECT\0  a\n\tb \0', 'X\0\0'])
})

test('a body goes in as few packets as can be', async () => {
  await using made = await filtered()
  const chunks = Array.from({ length: 5 }, (_, nth) => Buffer.alloc(40_000, nth))
  await using _ = await made.show({ message: { ...sampleMessage(), body: bodyOf(chunks) } })
  const sent = made.filter.seen.filter(({ code }) => code === 'B').map(({ data }) => data)
  assert.deepEqual(
    sent.map(({ length }) => length),
    [65_535, 65_535, 65_535, 3_395],
  )
  assert.ok(Buffer.concat(sent).equals(Buffer.concat(chunks)))
})

/** A body that is read in these chunks, as from a file. */
const bodyOf = (chunks: readonly Uint8Array[]): Body => ({
  size: chunks.reduce((size, { length }) => size + length, 0),
  memory: undefined,
  async *read() {
    yield* chunks
  },
})

test('a filter that wants no bodies does not make them be read', async () => {
  await using made = await filtered({ O: options(steps.noBody) })
  const body = { ...bodyOf([]), read: () => assert.fail('it was read') }
  await using judged = await made.show({ message: { ...sampleMessage(), body } })
  assert.equal(said(judged.verdict), 'nothing')
})

test('a filter that has seen enough of a body may still change the message', async () => {
  await using made = await filtered({
    B: packet('s'),
    E: Buffer.concat([packet('h', 'X-Seen\0 enough\0'), carryOn]),
  })
  await using judged = await made.show({ message: { ...sampleMessage(), body: memoryBody(Buffer.alloc(200_000)) } })
  assert.equal(made.filter.seen.filter(({ code }) => code === 'B').length, 1)
  assert.equal(String(judged.verdict?.fields?.[0]), 'X-Seen: enough\r\n')
})

const policy = 'Message rejected due to local policy'
const refusals: readonly [string, Uint8Array, string][] = [
  ['reject', packet('r'), `reject 550 5.7.1 ${policy}`],
  ['tempfail', packet('t'), `reject 450 4.7.1 ${policy}`],
  ['discard', packet('d'), `reject 450 4.7.1 ${policy}`],
  ['shutdown', packet('4'), `reject 421 4.7.1 ${policy}`],
  ['a reply', packet('y', '551 5.1.6 moved\0'), 'reject 551 5.1.6 moved'],
  ['a reply without an enhanced code', packet('y', '451 later\0'), 'reject 451 4.7.1 later'],
  ['a reply without a text', packet('y', '550 5.7.0\0'), `reject 550 5.7.0 ${policy}`],
]

for (const [what, answer, expected] of refusals) {
  for (const code of ['C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E']) {
    test(`${what} in answer to ${code} is a refusal`, async () => {
      await using made = await filtered({ [code]: answer })
      await using judged = await made.show()
      assert.equal(said(judged.verdict), expected)
    })
  }
}

test('what refuses the sender is said again of every recipient', async () => {
  await using made = await filtered({ M: packet('y', '550 5.7.1 go away\0') })
  await using judged = await made.show()
  const again = await judged.inspection.recipient?.({ local: 'c', domain: 'c.example' }, never)
  assert.equal(said(again), 'reject 550 5.7.1 go away')
  await made.filter.closed()
  assert.equal(made.filter.codes(), 'OCHMQ')
})

for (const [what, answer] of [
  ['refusal', packet('r')],
  ['deferral', packet('t')],
  ['reply', packet('y', '550 5.1.1 unknown\0')],
] as const) {
  test(`the ${what} of a recipient leaves the others alone`, async () => {
    await using made = await filtered({ R: [carryOn, answer, carryOn] })
    await using judged = await made.show({ recipients: ['1@b.example', '2@b.example', '3@b.example'] })
    const verdicts = judged.recipients.map((each) => each?.action ?? 'pass')
    assert.deepEqual(verdicts, ['pass', 'reject', 'pass'])
    assert.equal(said(judged.verdict), 'nothing')
    await made.filter.closed()
    assert.equal(made.filter.codes(), 'OCHMRTLNBEQ')
  })
}

test('to discard at a recipient concerns the message', async () => {
  await using made = await filtered({ R: [carryOn, packet('d'), carryOn] })
  await using judged = await made.show({ recipients: ['1@b.example', '2@b.example', '3@b.example'] })
  assert.deepEqual(
    judged.recipients.map((each) => each?.reason?.code),
    [undefined, 450, 450],
  )
})

for (const [code, seen] of [
  ['C', 'OCQ'],
  ['H', 'OCHQ'],
  ['M', 'OCHMQ'],
  ['R', 'OCHMRQ'],
  ['T', 'OCHMRTQ'],
  ['L', 'OCHMRTLQ'],
  ['N', 'OCHMRTLNQ'],
  ['B', 'OCHMRTLNBQ'],
] as const) {
  test(`a filter that accepts at ${code} is asked no more`, async () => {
    await using made = await filtered({ [code]: packet('a') })
    await using judged = await made.show()
    assert.equal(said(judged.verdict), 'nothing')
    await made.filter.closed()
    assert.equal(made.filter.codes(), seen)
  })
}

test('a message that is given up half-way is given up with the filter, too', async () => {
  await using made = await filtered()
  const inspection = made.check.begin(envelope())
  await inspection.connection?.(never)
  await inspection.sender?.(parseAddress('a@a.example'), never)
  await inspection[Symbol.asyncDispose]?.()
  await made.filter.closed()
  assert.equal(made.filter.codes(), 'OCHMAQ')
})

test('a message is shown once, even to a check that stands in several blocks', async () => {
  await using made = await filtered({ E: Buffer.concat([packet('h', 'X\0 1\0'), carryOn]) })
  await using judged = await made.show()
  assert.equal(judged.verdict?.fields?.length, 1)
  assert.equal(await judged.inspection.message?.(sampleMessage(), never), undefined)
})

for (const [directives, what] of [
  ['io_timeout 0', 'no limit for a word'],
  ['timeout 0\nio_timeout 2000h', 'a limit beyond what a timer can hold'],
  ['timeout 2000h', 'a stage that may take longer than a timer can hold'],
  ['timeout 1500500us\nio_timeout 1500500us', 'limits with parts of a millisecond'],
] as const) {
  test(`a filter is asked with ${what}`, async () => {
    const origin = { ...sampleEnvelope('a@a.example').origin, rdns: 'client.example' }
    await using made = await filtered({}, { directives, dns: zone({ 'client.example': { A: ['192.0.2.1'] } }) })
    await using judged = await made.show({ envelope: envelope(origin) })
    assert.equal(said(judged.verdict), 'nothing')
  })
}

const points = ['O', 'C', 'H', 'M', 'R', 'T', 'L', 'N', 'B', 'E']

for (const code of points) {
  for (const [how, script] of [
    ['is silent', { [code]: undefined }],
    ['talks nonsense', { [code]: Buffer.from('nonsense') }],
  ] as const) {
    test(`a filter that ${how} at ${code} defers the message`, async () => {
      await using made = await filtered(script, { directives: 'io_timeout 60ms' })
      await using judged = await made.show()
      assert.equal(said(judged.verdict), 'reject 451 4.7.1 I/O error during policy check')
      await made.filter.closed()
    })

    test(`with fail_open mail passes a filter that ${how} at ${code}`, async () => {
      await using made = await filtered(script, { directives: 'io_timeout 60ms\nfail_open yes' })
      await using judged = await made.show({ recipients: ['b@b.example', 'c@c.example'] })
      assert.equal(said(judged.verdict), 'nothing')
      assert.deepEqual([...judged.recipients, judged.sender], [undefined, undefined, undefined])
      await made.filter.closed()
    })
  }
}

for (const [fail_open, expected] of [
  ['no', 'reject 451 4.7.1 I/O error during policy check'],
  ['yes', 'nothing'],
] as const) {
  test(`with fail_open ${fail_open} the answer for a filter that is not there is ${expected}`, async () => {
    const nobody = await scriptedFilter()
    const conf = `check.milter x {\n endpoint tcp://127.0.0.1:${nobody.port}\n fail_open ${fail_open}\n}`
    await nobody[Symbol.asyncDispose]()
    await using check = await instance(Check, conf)
    await using judged = await show(check.api)
    assert.equal(said(judged.verdict), expected)
  })

  test(`with fail_open ${fail_open} the answer for a filter that is alive for ever is ${expected}`, async () => {
    const timers: NodeJS.Timeout[] = []
    await using made = await filtered(
      {
        E: () => {
          timers.push(setInterval(() => made.filter.sockets[0]?.write(packet('p')), 20))
          return undefined
        },
      },
      { directives: `fail_open ${fail_open}\ntimeout 150ms` },
    )
    try {
      await using judged = await made.show()
      assert.equal(said(judged.verdict), expected)
    } finally {
      for (const timer of timers) clearInterval(timer)
    }
  })

  test(`with fail_open ${fail_open} a body that cannot be read defers the message`, async () => {
    await using made = await filtered({}, { directives: `fail_open ${fail_open}` })
    const body: Body = {
      ...bodyOf([]),
      async *read() {
        yield Buffer.from('half')
        throw new Error('the disk is gone')
      },
    }
    await using judged = await made.show({ message: { ...sampleMessage(), body } })
    assert.equal(said(judged.verdict), 'reject 451 4.7.1 Internal error during policy check')
  })
}

test('a stage that is aborted rejects at once, and the filter is left', async () => {
  await using made = await filtered({ E: undefined })
  const inspection = made.check.begin(envelope())
  const control = new AbortController()
  await inspection.connection?.(control.signal)
  await inspection.sender?.(parseAddress('a@a.example'), control.signal)
  const reason = new Error('enough')
  const shown = inspection.message?.(sampleMessage(), control.signal)
  setImmediate(() => control.abort(reason))
  await assert.rejects(shown ?? Promise.resolve(), reason)
  await inspection[Symbol.asyncDispose]?.()
  await made.filter.closed()
})

test('after a stage that was aborted nothing passes unseen', async () => {
  await using made = await filtered({ R: undefined }, { directives: 'fail_open yes' })
  const inspection = made.check.begin(envelope())
  await inspection.connection?.(never)
  await inspection.sender?.(parseAddress('a@a.example'), never)
  const control = new AbortController()
  const shown = inspection.recipient?.(parseAddress('b@b.example'), control.signal)
  setImmediate(() => control.abort(new Error('enough')))
  await assert.rejects(shown ?? Promise.resolve(), /enough/)
  const next = await inspection.recipient?.(parseAddress('c@c.example'), never)
  assert.equal(said(next), 'reject 451 4.7.1 I/O error during policy check')
})
