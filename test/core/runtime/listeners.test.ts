import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { stat, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseEndpoint } from '../../../core/config/endpoint.ts'
import type { Session } from '../../../core/module.ts'
import type { Lease } from '../../../core/runtime/instance.ts'
import { Listeners } from '../../../core/runtime/listeners.ts'
import { makeLogger } from '../../../core/runtime/log.ts'
import { formatLine } from '../../../core/runtime/log_line.ts'
import { folder, Line } from '../../support/process.ts'

const setUp = (directory = '/nowhere') => {
  const lines: string[] = []
  const listeners = new Listeners(makeLogger({ write: (line) => lines.push(formatLine(line)) }, '', false))
  return { listeners, lines, claim: () => listeners.claim(directory) }
}

const free = parseEndpoint('tcp://127.0.0.1:0')

/** Says a word, repeats what it hears, and says goodbye when asked to stop. */
const saying =
  (word: string): Session =>
  async (socket, _address, stop) => {
    socket.write(`${word}\n`)
    stop.addEventListener('abort', () => socket.end('bye\n'))
    for await (const chunk of socket) socket.write(chunk)
  }

const never = new AbortController().signal

test('a free port is told, and its connections are served', async () => {
  const { claim } = setUp()
  await using lease = await claim().lease(free, saying('hello'), {})
  lease.serve()
  await using client = await Line.dial(lease.port)
  assert.equal(await client.next(), 'hello')
})

test('a connection that comes before anybody serves waits, with what it has sent', async () => {
  const { claim } = setUp()
  await using lease = await claim().lease(free, saying('hello'), {})
  await using client = await Line.dial(lease.port)
  client.send('early')
  // Both ends are in this process: a few turns of its loop, and the line has been accepted and read.
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  lease.serve()
  assert.equal(await client.next(), 'hello')
  assert.equal(await client.next(), 'early')
})

test('the next configuration serves the same socket from the tick on in which it takes over', async () => {
  const { claim } = setUp()
  await using first = await claim().lease(free, saying('one'), {})
  first.serve()
  await using second = await claim().lease(free, saying('two'), {})
  assert.equal(second.port, first.port)
  await using before = await Line.dial(first.port)
  assert.equal(await before.next(), 'one')
  second.serve()
  await using after = await Line.dial(first.port)
  assert.equal(await after.next(), 'two')
  before.send('still here')
  assert.equal(await before.next(), 'still here')
})

test('an address that only the former configuration has is no longer listened on once that drains', async () => {
  const { claim, listeners } = setUp()
  const lease = await claim().lease(free, saying('one'), {})
  lease.serve()
  listeners.end()
  await lease.drain(never)
  await assert.rejects(Line.dial(lease.port), /ECONNREFUSED/)
})

test('one address twice in a configuration is refused, also by another scheme', async () => {
  const { claim } = setUp()
  const probe = await claim().lease(free, saying('x'), {})
  const { port } = probe
  await probe[Symbol.asyncDispose]()
  const one = claim()
  await using lease = await one.lease(parseEndpoint(`tcp://127.0.0.1:${port}`), saying('x'), {})
  const again = one.lease(parseEndpoint(`tls://127.0.0.1:${lease.port}`), saying('x'), {})
  await assert.rejects(again, /^Error: tls:.* is listened on twice in this configuration \(as tcp:/)
})

test('free ports of one configuration are all different', async () => {
  const { claim } = setUp()
  const one = claim()
  await using a = await one.lease(free, saying('a'), {})
  await using b = await one.lease(free, saying('b'), {})
  assert.notEqual(a.port, b.port)
})

test('a busy port is an error that names the address and the reason', async () => {
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  const { port } = busy.address() as { port: number }
  const { claim } = setUp()
  const failed = claim().lease(parseEndpoint(`tcp://127.0.0.1:${port}`), saying('x'), {})
  await assert
    .rejects(failed, new RegExp(`^Error: cannot listen on tcp://127.0.0.1:${port}: the address is in use`))
    .finally(() => busy.close())
})

test('an address that overlaps with one in force is an error that says what it takes', async () => {
  const { claim } = setUp()
  const probe = await claim().lease(free, saying('x'), {})
  const { port } = probe
  await probe[Symbol.asyncDispose]()
  await using lease = await claim().lease(parseEndpoint(`tcp://127.0.0.1:${port}`), saying('x'), {})
  lease.serve()
  const wider = claim().lease(parseEndpoint(`tcp://0.0.0.0:${port}`), saying('x'), {})
  await assert.rejects(
    wider,
    new RegExp(`0\\.0\\.0\\.0:${port}: this server listens on tcp://127\\.0\\.0\\.1:${port} now`),
  )
})

test('a name that does not exist is an error that says so', async () => {
  const { claim } = setUp()
  const failed = claim().lease(parseEndpoint('tcp://no-such-host.invalid:0'), saying('x'), {})
  await assert.rejects(failed, /cannot listen on tcp:\/\/no-such-host\.invalid:0: the name/)
})

test('the name localhost can be listened on', async () => {
  const { claim } = setUp()
  await using lease = await claim().lease(parseEndpoint('tcp://localhost:0'), saying('hello'), {})
  lease.serve()
  await using client = await Line.dial(lease.port)
  assert.equal(await client.next(), 'hello')
})

test('an empty host means all addresses, and IPv4 clients are seen by IPv4 addresses', async () => {
  const { claim } = setUp()
  const seen = Promise.withResolvers<string | undefined>()
  await using lease = await claim().lease(
    parseEndpoint('tcp://:0'),
    async (socket) => seen.resolve(socket.remoteAddress),
    {},
  )
  lease.serve()
  await using client = await Line.dial(lease.port)
  void client
  assert.equal(await seen.promise, '127.0.0.1')
})

const dialUnix = async (path: string): Promise<Socket> => {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

test('a relative Unix socket lies in the runtime directory, for owner and group, and is removed at the end', async () => {
  await using place = await folder()
  const { claim } = setUp(place.path)
  const lease = await claim().lease(parseEndpoint('unix://lmtp.sock'), saying('hello'), {})
  lease.serve()
  const path = join(place.path, 'lmtp.sock')
  assert.equal((await stat(path)).mode & 0o777, 0o660)
  const socket = await dialUnix(path)
  const [greeting] = await once(socket, 'data')
  assert.equal(String(greeting), 'hello\n')
  socket.destroy()
  await lease[Symbol.asyncDispose]()
  await new Promise(setImmediate)
  await assert.rejects(stat(path), /ENOENT/)
})

test('a socket file that nobody answers at is replaced', async () => {
  await using place = await folder()
  const path = join(place.path, 'lmtp.sock')
  // Another process leaves the file behind by not closing it.
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  assert.ok((await stat(path)).isSocket())
  const { claim } = setUp(place.path)
  await using lease = await claim().lease(parseEndpoint('unix://lmtp.sock'), saying('hello'), {})
  lease.serve()
  const socket = await dialUnix(path)
  socket.destroy()
})

test('a socket file that somebody answers at is left alone', async () => {
  await using place = await folder()
  const busy = createServer().listen(join(place.path, 'lmtp.sock'))
  await once(busy, 'listening')
  const { claim } = setUp(place.path)
  const failed = claim().lease(parseEndpoint('unix://lmtp.sock'), saying('x'), {})
  await assert.rejects(failed, /unix:\/\/lmtp.sock: the address is in use/).finally(() => busy.close())
})

test('a file that is no socket is never removed', async () => {
  await using place = await folder()
  await writeFile(join(place.path, 'precious'), 'text')
  const { claim } = setUp(place.path)
  await assert.rejects(claim().lease(parseEndpoint('unix://precious'), saying('x'), {}), /a file is in its place/)
  assert.ok((await stat(join(place.path, 'precious'))).isFile())
})

test('when the process ends, sessions are asked to stop and waited for', async () => {
  const { claim, listeners } = setUp()
  await using lease = await claim().lease(free, saying('hello'), {})
  lease.serve()
  await using client = await Line.dial(lease.port)
  await client.next()
  listeners.end()
  const drained = lease.drain(never)
  assert.equal(await client.next(), 'bye')
  client.socket.end()
  await drained
})

const deaf: Session = async (socket) => {
  socket.write('hello\n')
  await once(socket, 'close')
}

test('a session that does not stop loses its socket after its grace', async () => {
  const { claim, listeners } = setUp()
  await using lease = await claim().lease(free, deaf, { grace: 20 })
  lease.serve()
  await using client = await Line.dial(lease.port)
  await client.next()
  listeners.end()
  await lease.drain(never)
  assert.equal(await client.next(), undefined)
})

test('the deadline cuts sessions off before their grace is over', async () => {
  const { claim, listeners } = setUp()
  await using lease = await claim().lease(free, deaf, { grace: 60_000 })
  lease.serve()
  await using client = await Line.dial(lease.port)
  await client.next()
  listeners.end()
  await lease.drain(AbortSignal.timeout(20))
  assert.equal(await client.next(), undefined)
})

test('after a reload a session works on undisturbed until its grace is over', async () => {
  const { claim } = setUp()
  await using lease = await claim().lease(free, saying('hello'), { grace: 300 })
  lease.serve()
  await using client = await Line.dial(lease.port)
  await client.next()
  const drained = lease.drain(never)
  client.send('still here')
  assert.equal(await client.next(), 'still here')
  assert.equal(await client.next(), 'bye')
  client.socket.end()
  await drained
})

test('the end of the process reaches the sessions of a former configuration, too', async () => {
  const { claim, listeners } = setUp()
  await using lease = await claim().lease(free, saying('hello'), { grace: 60_000 })
  lease.serve()
  await using client = await Line.dial(lease.port)
  await client.next()
  const drained = lease.drain(never)
  listeners.end()
  assert.equal(await client.next(), 'bye')
  client.socket.end()
  await drained
})

/** A lease with a session that was carried over to a second one, and what the client sees. */
const carried = async (keeps: (instance: unknown) => boolean) => {
  const { claim, listeners } = setUp()
  const storage = {}
  const options = { grace: 10, carriedBy: [storage] }
  const first = await claim().lease(free, saying('hello'), options)
  first.serve()
  const client = await Line.dial(first.port)
  await client.next()
  const second = await claim().lease(free, saying('hello'), options)
  second.serve()
  second.adopt(first, (instance) => instance === storage && keeps(instance))
  return { first, second, client, listeners, end: () => closeAll(client, first, second) }
}

const closeAll = async (client: Line, ...leases: Lease[]) => {
  client.socket.destroy()
  for (const lease of leases) await lease[Symbol.asyncDispose]()
}

test('a session whose instances are all kept moves on to the next configuration', async () => {
  const { first, second, client, listeners, end } = await carried(() => true)
  await first.drain(never)
  assert.deepEqual(listeners.count(), { 'tcp://127.0.0.1:0': 1 })
  client.send('still here')
  assert.equal(await client.next(), 'still here')
  listeners.end()
  const drained = second.drain(never)
  assert.equal(await client.next(), 'bye')
  client.socket.end()
  await drained
  await end()
})

test('a session that lost an instance stays with its own configuration', async () => {
  const { first, client, end } = await carried(() => false)
  const drained = first.drain(never)
  assert.equal(await client.next(), 'bye')
  client.socket.end()
  await drained
  await end()
})

test('what a session throws is logged and closes its connection alone', async () => {
  const { claim, lines } = setUp()
  await using lease = await claim().lease(
    free,
    async () => {
      throw new Error('oops')
    },
    {},
  )
  lease.serve()
  await using client = await Line.dial(lease.port)
  assert.equal(await client.next(), undefined)
  assert.match(
    lines[0] ?? '',
    /^session failed\t\{"listen":"tcp:\/\/127\.0\.0\.1:0","reason":"oops","src_ip":"127\.0\.0\.1"\}$/,
  )
})
