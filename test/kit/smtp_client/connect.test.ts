import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmtpClient, SmtpClientError } from '../../../core/kit/smtp/client/index.ts'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import { behaving, scripted } from './scripted.ts'
import { ann, brief, connected, failureOf, patient, told } from './support.ts'

/** What opening a connection fails with, to a server that says something and waits. */
const failureAfter = async (said: string, options = {}) => {
  await using server = await scripted(async (peer) => {
    peer.raw(said)
    await peer.gone()
  })
  return await failureOf(connected(server, options))
}

test('a server is greeted with EHLO once it has spoken, and what it offers is known', async () => {
  await using server = await behaving({ offers: ['size 1000', 'Pipelining', 'AUTH PLAIN LOGIN', '8bitmime', '!'] })
  await using client = await connected(server)
  assert.deepEqual(server.seen, ['EHLO client.example'])
  assert.ok(client.capabilities.has('PIPELINING'))
  assert.ok(!client.capabilities.has('CHUNKING'))
  assert.equal(client.capabilities.maxSize, 1000)
  assert.deepEqual(client.capabilities.parameters('AUTH'), ['PLAIN', 'LOGIN'])
})

for (const code of [500, 502]) {
  test(`HELO is tried when EHLO is answered with ${code}, and nothing is offered then`, async () => {
    await using server = await behaving({ replies: { EHLO: `${code} what?` } })
    await using client = await connected(server)
    assert.deepEqual(server.seen, ['EHLO client.example', 'HELO client.example'])
    assert.ok(!client.capabilities.has('8BITMIME'))
  })
}

test('EHLO that is refused otherwise is the end', async () => {
  await using server = await behaving({ replies: { EHLO: '550 5.7.1 Not you' } })
  assert.equal(told(await failureOf(connected(server))), '550 5.7.1 Not you')
  assert.deepEqual(server.seen, ['EHLO client.example'])
})

test('LMTP begins with LHLO, and knows no HELO', async () => {
  await using server = await behaving({ replies: { LHLO: '500 what?' } })
  assert.equal(told(await failureOf(connected(server, { protocol: 'lmtp' }))), '500 5.0.0 what?')
  assert.deepEqual(server.seen, ['LHLO client.example'])
})

test('a Unix socket is as good', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-client-'))
  await using held = new AsyncDisposableStack()
  held.defer(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'lmtp.sock')
  held.use(await behaving({}, path))
  await using client = await connected({ path }, { protocol: 'lmtp' })
  assert.deepEqual(client.ends, { local: '', remote: '' })
})

test('QUIT is said at the end', async () => {
  await using server = await behaving()
  const client = await connected(server)
  await client.quit()
  await server.closed()
  assert.equal(server.seen.at(-1), 'QUIT')
})

for (const [greeting, refusal] of [
  ['554 5.3.2 No service here', '554 5.3.2 No service here'],
  ['421-4.3.2 Later\r\n421 4.3.2 perhaps', '421 4.3.2 Later perhaps'],
  ['554 no', '554 5.0.0 no'],
  ['554', '554 5.0.0 The next server gave no reason'],
  ['450 5.1.1 of the wrong class', '450 4.0.0 5.1.1 of the wrong class'],
  ['552 5.2.2 Full', '452 4.2.2 Full'],
] as const) {
  test(`a greeting ${greeting.replaceAll('\r\n', ' / ')} is passed on as ${refusal}`, async () => {
    assert.equal(told(await failureAfter(`${greeting}\r\n`)), refusal)
  })
}

for (const [what, said] of [
  ['no reply at all', 'SSH-2.0-OpenSSH\r\n'],
  ['an HTTP answer', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['a code that does not exist', '999 hello\r\n'],
  ['a code that stands close to its text', '220hello\r\n'],
  ['a preliminary code', '120 wait\r\n'],
  ['an intermediate code', '354 go on\r\n'],
  ['lines of different codes', '220-a\r\n250 b\r\n'],
  ['a line of 2001 octets', `220 ${'x'.repeat(1997)}\r\n`],
  ['a line without an end', `220 ${'x'.repeat(5000)}`],
  ['a reply of 300 lines', '220-x\r\n'.repeat(300)],
  ['a reply of 100 KB', `220-${'x'.repeat(1000)}\r\n`.repeat(100)],
  ['a second reply that nobody asked for', '220 a\r\n250 b\r\n'],
  ['the beginning of one', '220 a\r\n25'],
] as const) {
  test(`${what} closes the connection, and is worth another try`, async () => {
    const error = await failureAfter(said)
    assert.ok(error instanceof SmtpClientError)
    assert.equal(error.kind, 'protocol')
    assert.equal(told(error), '451 4.3.0 Internal server error')
  })
}

test('lines that end in LF alone are understood', async () => {
  await using server = await scripted(async (peer) => {
    peer.raw('220-a\n220 b\n')
    await peer.line()
    peer.raw('250-x\n250 8BITMIME\n')
    await peer.gone()
  })
  const client = await connected(server)
  assert.ok(client.capabilities.has('8BITMIME'))
  client.destroy()
})

test('control characters of a reply are not passed on', async () => {
  assert.equal(told(await failureAfter('554 5.1.0 a\0b\tc\x1b[31m\r\n')), '554 5.1.0 a b c [31m')
})

test('a server that closes without a greeting is worth another try', async () => {
  await using server = await scripted(async () => {})
  const error = await failureOf(connected(server, { fields: { remote_server: 'x' } }))
  assert.ok(error instanceof SmtpClientError)
  assert.equal(error.kind, 'closed')
  assert.equal(error.fields.remote_server, 'x')
  assert.equal(told(error), '451 4.3.0 Internal server error')
})

test('a server that resets the connection is a failure of the network', async () => {
  await using server = await scripted(async (peer) => peer.reset())
  const error = await failureOf(connected(server, { fields: { remote_server: 'x' } }))
  assert.equal(told(error), '450 4.4.2 Network I/O error')
  assert.ok(error instanceof SmtpError)
  assert.equal(error.fields.remote_server, 'x')
})

test('a port that nobody listens on is a failure of the network', async () => {
  const closed = createServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as { port: number }
  await new Promise<void>((resolve) => closed.close(() => resolve()))
  assert.equal(told(await failureOf(connected({ port }))), '450 4.4.2 Network I/O error')
})

for (const [code, expected] of [
  ['ENOTFOUND', '450 4.4.4 DNS error'],
  ['EAI_AGAIN', '450 4.4.4 DNS error'],
] as const) {
  test(`a name that cannot be looked up with ${code} is ${expected}`, async () => {
    const lookup = (_name: string, _options: unknown, done: (error: Error, addresses: []) => void) =>
      done(Object.assign(new Error(code), { code, syscall: 'getaddrinfo' }), [])
    const opening = SmtpClient.open(
      { host: 'mx.example', port: 25, lookup: lookup as never },
      { hostname: 'c.example', timeouts: patient },
    )
    assert.equal(told(await failureOf(opening)), expected)
  })
}

test('a silent server is given up when its time is over', async () => {
  const error = await failureAfter('', { timeouts: brief })
  assert.equal(told(error), '450 4.4.2 Network I/O error')
  assert.match(String(error.cause), /does not answer: 60 ms/)
})

test('a server that says its greeting octet by octet has no more time than any other', { timeout: 5_000 }, async () => {
  await using server = await scripted(async (peer) => {
    while (!peer.socket.destroyed) await peer.drip('220-slow\r\n')
  })
  assert.match(told(await failureOf(connected(server, { timeouts: brief }))), /^45[01] /)
})

test('the signal ends the wait, and closes the connection', async () => {
  const abort = new AbortController()
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    abort.abort(new Error('enough'))
    await peer.gone()
  })
  assert.equal((await failureOf(connected(server, { signal: abort.signal }))).message, 'enough')
  await server.closed()
})

test('a signal that has aborted before lets nothing begin', async () => {
  await using server = await behaving()
  const opening = connected(server, { signal: AbortSignal.abort(new Error('enough')) })
  assert.equal((await failureOf(opening)).message, 'enough')
  assert.equal(server.connections.length, 0)
})

test('what fails closes the connection, and is told to whoever goes on all the same', async () => {
  await using server = await behaving({ replies: { MAIL: 'SILENCE' } })
  const client = await connected(server, { timeouts: brief })
  const expected = '450 4.4.2 Network I/O error'
  assert.equal(told(await failureOf(client.begin(ann).begun)), expected)
  assert.equal(client.open, false)
  assert.equal(told(await failureOf(client.begin(ann).begun)), expected)
  await client.quit()
  await server.closed()
})

test('a server that said goodbye while nobody asked is heard when the next command is due', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250 hello')
    await peer.line()
    peer.say('250 ok', '421 4.4.2 Too slow')
  })
  const client = await connected(server)
  await client.reset()
  await server.closed()
  assert.equal(client.open, false)
  assert.match(told(await failureOf(client.reset())), /^421 4\.4\.2 Too slow$|^451 /)
})

test('a server that answers a command twice gets no further one', async () => {
  await using server = await behaving({ replies: { RSET: '250 ok\r\n250 ok' } })
  const client = await connected(server)
  await client.reset()
  const error = await failureOf(client.reset())
  assert.equal(told(error), '451 4.3.0 Internal server error')
  await server.closed()
  assert.deepEqual(server.seen, ['EHLO client.example', 'RSET'])
})

test('a server that does not answer QUIT keeps nobody', async () => {
  await using server = await behaving({ replies: { QUIT: 'SILENCE' } })
  const client = await connected(server, { timeouts: { ...patient, command: 50 } })
  await client.quit()
  assert.equal(client.open, false)
})
