import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Change, cString, MilterClient, MilterError, steps } from '../../../core/kit/milter/index.ts'
import { carryOn, number, options, packet, type ScriptedFilter, type Scripts, scriptedFilter } from './filter.ts'

const open = (filter: ScriptedFilter, timeout = 5_000, signal?: AbortSignal) =>
  MilterClient.open({ host: '127.0.0.1', port: filter.port }, timeout, signal)

const wrong = (reason: RegExp) => (error: unknown) =>
  error instanceof MilterError && reason.test(error.message) ? true : assert.fail(String(error))

const client = { name: 'mx.example', address: { ip: '192.0.2.1', port: 2525 } }

test('everything of version 6 is offered', async () => {
  await using filter = await scriptedFilter()
  await using _ = await open(filter)
  const [offered] = filter.seen
  assert.equal(offered?.code, 'O')
  assert.equal(offered?.data.toString('hex'), '00000006' + '000001ff' + '001fffff')
})

test('the packets of a whole message are those of the protocol', async () => {
  await using filter = await scriptedFilter()
  await using milter = await open(filter)
  await milter.connect(client, { j: 'h.example' })
  await milter.helo('c.example', {})
  await milter.mail('<a@a.example>', ['SIZE=5'], { i: '0badcafe' })
  await milter.recipient('<b@b.example>', [], { '{rcpt_addr}': 'b@b.example' })
  await milter.data({})
  await milter.header('Subject', Buffer.from(' x\r\n y'))
  await milter.endOfHeader({})
  await milter.body(Buffer.from('Hello\r\n'))
  await milter.endOfMessage({}, () => assert.fail('nothing was to be changed'))
  const sent = filter.seen.slice(1).map(({ code, data }) => `${code} ${data.toString('latin1')}`)
  assert.deepEqual(sent, [
    'D Cj\0h.example\0',
    'C mx.example\x004\x09\xdd192.0.2.1\0',
    'H c.example\0',
    'D Mi\x000badcafe\0',
    'M <a@a.example>\0SIZE=5\0',
    'D R{rcpt_addr}\0b@b.example\0',
    'R <b@b.example>\0',
    'T ',
    'L Subject\0 x\n y\0',
    'N ',
    'B Hello\r\n',
    'E ',
  ])
})

test('clients are told by family, address and port, or by their path, or as unknown', async () => {
  await using filter = await scriptedFilter()
  await using milter = await open(filter)
  await milter.connect({ name: 'a', address: { ip: '2001:db8::1', port: 25 } }, {})
  await milter.connect({ name: 'b', address: { path: '/run/x' } }, {})
  await milter.connect({ name: 'c', address: null }, {})
  const sent = filter.seen.filter(({ code }) => code === 'C').map(({ data }) => data.toString('latin1'))
  assert.deepEqual(sent, ['a\x006\0\x192001:db8::1\0', 'b\0L\0\0/run/x\0', 'c\0U'])
})

test('a filter on a Unix socket is reached', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(directory, { recursive: true }))
  const path = join(directory, 'filter')
  await using _filter = await scriptedFilter({}, path)
  await using milter = await MilterClient.open({ path }, 5_000)
  assert.equal(milter.options.version, 6)
})

test('blanks after the colon are left out unless they are agreed on', async () => {
  await using filter = await scriptedFilter({ O: options(0) })
  await using milter = await open(filter)
  await milter.header('Subject', Buffer.from(' \t x '))
  assert.deepEqual(filter.texts('L'), ['Subject', 'x '])
})

test('a NUL in a field goes as a blank, so that nothing is cut off', async () => {
  await using filter = await scriptedFilter()
  await using milter = await open(filter)
  await milter.header('Subject', Buffer.from('a\0b'))
  assert.deepEqual(filter.texts('L'), ['Subject', 'a b'])
})

const unwanted: readonly [string, number, (milter: MilterClient) => Promise<unknown>][] = [
  ['C', steps.noConnect, (milter) => milter.connect(client, {})],
  ['H', steps.noHelo, (milter) => milter.helo('x', {})],
  ['M', steps.noMail, (milter) => milter.mail('<>', [], {})],
  ['R', steps.noRecipient, (milter) => milter.recipient('<a@b>', [], {})],
  ['T', steps.noData, (milter) => milter.data({})],
  ['L', steps.noHeaders, (milter) => milter.header('A', Buffer.from('b'))],
  ['N', steps.noEndOfHeader, (milter) => milter.endOfHeader({})],
  ['B', steps.noBody, (milter) => milter.body(Buffer.from('x'))],
  ['U', steps.noUnknown, (milter) => milter.unknown('FOO')],
]

for (const [code, step, send] of unwanted) {
  test(`${code} is not sent to a filter that does not want it`, async () => {
    await using filter = await scriptedFilter({ O: options(step) })
    await using milter = await open(filter)
    assert.deepEqual(await send(milter), { kind: 'continue' })
    await milter.endOfMessage({}, () => {})
    assert.equal(filter.codes(), 'OE')
  })
}

const unanswered: readonly [string, number, (milter: MilterClient) => Promise<unknown>][] = [
  ['C', steps.noReplyConnect, (milter) => milter.connect(client, {})],
  ['H', steps.noReplyHelo, (milter) => milter.helo('x', {})],
  ['M', steps.noReplyMail, (milter) => milter.mail('<>', [], {})],
  ['R', steps.noReplyRecipient, (milter) => milter.recipient('<a@b>', [], {})],
  ['T', steps.noReplyData, (milter) => milter.data({})],
  ['L', steps.noReplyHeader, (milter) => milter.header('A', Buffer.from('b'))],
  ['N', steps.noReplyEndOfHeader, (milter) => milter.endOfHeader({})],
  ['B', steps.noReplyBody, (milter) => milter.body(Buffer.from('x'))],
  ['U', steps.noReplyUnknown, (milter) => milter.unknown('FOO')],
]

for (const [code, step, send] of unanswered) {
  test(`no answer to ${code} is waited for when the filter gives none`, async () => {
    await using filter = await scriptedFilter({ O: options(step), [code]: undefined })
    await using milter = await open(filter)
    assert.deepEqual(await send(milter), { kind: 'continue' })
    assert.deepEqual(await milter.endOfMessage({}, () => {}), { kind: 'continue' })
    assert.equal(filter.codes(), `O${code}E`)
  })
}

test('symbols are told even where their command is not wanted', async () => {
  await using filter = await scriptedFilter({ O: options(steps.noHelo) })
  await using milter = await open(filter)
  await milter.helo('x', { '{cipher}': 'TLS_AES_128_GCM_SHA256' })
  await milter.endOfMessage({}, () => {})
  assert.deepEqual(filter.symbols('H'), { '{cipher}': 'TLS_AES_128_GCM_SHA256' })
})

test('a filter gets the symbols that it asks for, and nothing else', async () => {
  const lists = Buffer.concat([number(2), cString('{auth_type}, foo  i'), number(0), cString('j')])
  await using filter = await scriptedFilter({ O: options(0, 6, lists) })
  await using milter = await open(filter)
  const known = { j: 'h', i: '1', '{foo}': 'bar', '{mail_addr}': 'a@b', v: 'x' }
  await milter.connect(client, known)
  await milter.mail('<a@b>', [], known)
  assert.deepEqual(filter.symbols('C'), { j: 'h' })
  assert.deepEqual(filter.symbols('M'), { '{foo}': 'bar', i: '1' })
})

test('a filter of version 2 hears nothing of what came later', async () => {
  await using filter = await scriptedFilter({ O: options(0, 2) })
  await using milter = await open(filter)
  await milter.data({ i: '1' })
  await milter.unknown('FOO')
  await milter.endOfHeader({ i: '1' })
  await milter.endOfMessage({ i: '1' }, () => {})
  assert.deepEqual(
    filter.seen.map(({ code }) => code),
    ['O', 'N', 'E'],
  )
  await assert.rejects(milter.nextClient(), wrong(/single client/))
})

const badOptions: readonly [string, Uint8Array, RegExp][] = [
  ['version 1', options(0, 1), /version 1/],
  ['version 7', options(0, 7), /version 7/],
  ['too few numbers', packet('O', Buffer.alloc(11)), /malformed/],
  ['something else', packet('c'), /answered an offer/],
  ['symbols for a stage that there is not', options(0, 6, Buffer.concat([number(7), cString('i')])), /stage/],
  ['a list of symbols that breaks off', options(0, 6, number(1)), /malformed/],
]

for (const [what, said, reason] of badOptions) {
  test(`a filter that answers the offer with ${what} is not used`, async () => {
    await using filter = await scriptedFilter({ O: said })
    await assert.rejects(open(filter), wrong(reason))
    await filter.closed()
  })
}

const answers: readonly [string, Uint8Array, object][] = [
  ['accept', packet('a'), { kind: 'accept' }],
  ['reject', packet('r'), { kind: 'reject' }],
  ['tempfail', packet('t'), { kind: 'tempfail' }],
  ['discard', packet('d'), { kind: 'discard' }],
  ['skip', packet('s'), { kind: 'skip' }],
  ['shutdown', packet('4'), { kind: 'shutdown' }],
  ['a reply', packet('y', '451 4.7.1 slow down\0'), { kind: 'reply', code: 451, enhanced: '4.7.1', text: 'slow down' }],
  [
    'a reply without an enhanced code',
    packet('y', '550 no\0'),
    { kind: 'reply', code: 550, enhanced: undefined, text: 'no' },
  ],
  ['a bare code', packet('y', '550\0'), { kind: 'reply', code: 550, enhanced: undefined, text: '' }],
  [
    'a reply of several lines',
    packet('y', '550-5.7.0 50%% off\r\n550 5.7.0 never\0'),
    { kind: 'reply', code: 550, enhanced: '5.7.0', text: '50% off\nnever' },
  ],
]

for (const [what, said, expected] of answers) {
  test(`${what} is understood`, async () => {
    await using filter = await scriptedFilter({ M: said })
    await using milter = await open(filter)
    assert.deepEqual(await milter.mail('<>', [], {}), expected)
  })
}

test('signs of life buy a filter more time', async () => {
  const timers: NodeJS.Timeout[] = []
  await using filter = await scriptedFilter({
    E: () => {
      for (const [at, said] of [packet('p'), packet('p'), packet('p'), carryOn].entries()) {
        timers.push(setTimeout(() => filter.sockets[0]?.write(said), 250 * (at + 1)))
      }
      return undefined
    },
  })
  await using milter = await open(filter, 500)
  assert.deepEqual(await milter.endOfMessage({}, () => {}), { kind: 'continue' })
  assert.equal(timers.length, 4)
})

test('every change that a filter may want is understood, in its order', async () => {
  const changes = [
    packet('h', 'A\0 1\0'),
    packet('i', number(3), 'B\0 2\n\t3\0'),
    packet('m', number(1), 'C\0\0'),
    packet('b', 'new '),
    packet('p'),
    packet('b', 'body'),
    packet('e', '<s@s.example>\0SIZE=1\0'),
    packet('+', '<r@r.example>\0'),
    packet('2', '<p@p.example>\0NOTIFY=NEVER\0'),
    packet('-', '<d@d.example>\0'),
    packet('q', 'smells\0'),
    carryOn,
  ]
  await using filter = await scriptedFilter({ E: Buffer.concat(changes) })
  await using milter = await open(filter)
  const wanted: Change[] = []
  await milter.endOfMessage({}, (change) => void wanted.push(change))
  assert.deepEqual(wanted, [
    { kind: 'addHeader', name: 'A', value: Buffer.from(' 1') },
    { kind: 'insertHeader', index: 3, name: 'B', value: Buffer.from(' 2\n\t3') },
    { kind: 'changeHeader', index: 1, name: 'C', value: Buffer.alloc(0) },
    { kind: 'body', bytes: Buffer.from('new ') },
    { kind: 'body', bytes: Buffer.from('body') },
    { kind: 'sender', address: '<s@s.example>', parameters: 'SIZE=1' },
    { kind: 'addRecipient', address: '<r@r.example>', parameters: '' },
    { kind: 'addRecipient', address: '<p@p.example>', parameters: 'NOTIFY=NEVER' },
    { kind: 'deleteRecipient', address: '<d@d.example>' },
    { kind: 'quarantine', reason: 'smells' },
  ])
})

const nonsense: readonly [string, Scripts, RegExp][] = [
  ['an unknown code', { M: packet('X') }, /no answer/],
  ['a change where none may be', { M: packet('h', 'A\0b\0') }, /no answer/],
  ['the failure of a connection', { M: packet('f') }, /no answer/],
  ['a reply with a good code', { M: packet('y', '250 ok\0') }, /neither 4yz nor 5yz/],
  ['a reply that is empty', { M: packet('y') }, /malformed/],
  ['a packet of no bytes', { M: number(0) }, /packet of 0 bytes/],
  ['a packet without end', { M: number(0xffff_ffff) }, /packet of 4294967295 bytes/],
]

for (const [what, scripts, reason] of nonsense) {
  test(`${what} ends the conversation`, async () => {
    await using filter = await scriptedFilter(scripts)
    await using milter = await open(filter)
    await assert.rejects(milter.mail('<>', [], {}), wrong(reason))
    await filter.closed()
  })
}

test('a filter that hangs up in the middle of a packet is told from one that answers', async () => {
  await using filter = await scriptedFilter({
    M: () => {
      filter.sockets[0]?.end(Buffer.concat([number(5), Buffer.from('y4')]))
      return undefined
    },
  })
  await using milter = await open(filter)
  await assert.rejects(milter.mail('<>', [], {}), wrong(/closed the connection/))
})

test('a filter that wants more changed than any could is not listened to', async () => {
  const change = packet('h', 'A\0b\0')
  await using filter = await scriptedFilter({ E: Buffer.concat(Array.from({ length: 10_001 }, () => change)) })
  await using milter = await open(filter)
  let count = 0
  await assert.rejects(
    milter.endOfMessage({}, () => void count++),
    wrong(/too much/),
  )
  assert.equal(count, 10_000)
})

test('a filter that is silent is given up when its time is over', async () => {
  await using filter = await scriptedFilter({ H: undefined })
  await using milter = await open(filter, 100)
  await assert.rejects(milter.helo('x', {}), wrong(/does not answer in 100 ms/))
  await filter.closed()
})

test('a filter that does not even negotiate is given up when its time is over', async () => {
  await using filter = await scriptedFilter({ O: undefined })
  await assert.rejects(open(filter, 100), wrong(/does not answer in 100 ms/))
  await filter.closed()
})

test('a filter that sends its packet octet by octet has no longer than any other', async () => {
  const timers: NodeJS.Timeout[] = []
  await using filter = await scriptedFilter({
    M: () => {
      timers.push(setInterval(() => filter.sockets[0]?.write('\0'), 30))
      return undefined
    },
  })
  try {
    await using milter = await open(filter, 100)
    await assert.rejects(milter.mail('<>', [], {}), MilterError)
  } finally {
    clearInterval(timers[0])
  }
})

test('a filter that takes nothing is given up when its time is over', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => {
      socket.pause()
      socket.write(options(steps.noReplyBody))
    })
    socket.on('error', () => {})
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  await using milter = await MilterClient.open({ host: '127.0.0.1', port }, 200)
  const chunk = Buffer.alloc(65_535)
  await assert.rejects(
    async () => {
      for (let count = 0; count < 1_000; count++) await milter.body(chunk)
    },
    wrong(/takes nothing in 200 ms/),
  )
})

test('a port where nobody listens is an error of the filter', async () => {
  const filter = await scriptedFilter()
  await filter[Symbol.asyncDispose]()
  await assert.rejects(open(filter), wrong(/cannot be reached/))
})

test('a signal ends any wait at once, with its own reason, and the connection', async () => {
  await using filter = await scriptedFilter({ E: undefined })
  await using milter = await open(filter)
  const control = new AbortController()
  const waiting = milter.endOfMessage({}, () => {}, control.signal)
  const reason = new Error('enough')
  setImmediate(() => control.abort(reason))
  await assert.rejects(waiting, reason)
  await filter.closed()
})

test('a signal that has aborted before connects nowhere', async () => {
  await using filter = await scriptedFilter()
  const reason = new Error('enough')
  await assert.rejects(open(filter, 100, AbortSignal.abort(reason)), reason)
  assert.equal(filter.sockets.length, 0)
})

test('leaving tells the filter', async () => {
  await using filter = await scriptedFilter()
  const milter = await open(filter)
  await milter.mail('<>', [], {})
  await milter.quit({ abort: true })
  await filter.closed()
  assert.equal(filter.codes(), 'OMAQ')
})

test('after an abort another message follows, and after that another client', async () => {
  await using filter = await scriptedFilter()
  await using milter = await open(filter)
  await milter.mail('<>', [], {})
  await milter.abort()
  await milter.mail('<a@b>', [], {})
  await milter.nextClient()
  await milter.connect(client, {})
  assert.equal(filter.codes(), 'OMAMKC')
})

test('random answers are refused or understood, but nothing hangs or grows', async () => {
  const codes = 'arctdsyphimbe+-2q4fOX\0'
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((seed / 2_147_483_648) * below)
  }
  const noise = (): Buffer => {
    if (random(4) === 0) return Buffer.from(Array.from({ length: random(64) }, () => random(256)))
    const code = codes.charAt(random(codes.length))
    const texts = ['', 'A\0b\0', '\0\0\0\x01A\0\0', '550 5.7.1 x\0', '\0', '<a@b>', 'ÿ'.repeat(random(2_000))]
    return packet(code, texts[random(texts.length)] ?? '')
  }
  for (let round = 0; round < 150; round++) {
    const said = Buffer.concat(Array.from({ length: 1 + random(6) }, noise))
    await using filter = await scriptedFilter({ E: said, M: said, O: random(5) === 0 ? said : options() })
    try {
      await using milter = await open(filter, 50)
      await milter.mail('<>', [], {})
      await milter.endOfMessage({}, () => {})
    } catch (error) {
      assert.ok(error instanceof MilterError, String(error))
    }
  }
})
