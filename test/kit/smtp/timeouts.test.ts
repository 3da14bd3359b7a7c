import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recorder, serve } from './recorder.ts'

test('a silent client is told so', async () => {
  await using server = await serve({ readTimeout: 50 })
  await using client = await server.dial()
  await client.expect('220 *')
  await client.expect('421 4.4.2 Idle timeout, bye bye')
  await client.closed()
})

test('a client that sends a line octet by octet has no more time for it', async () => {
  await using server = await serve({ readTimeout: 200 })
  await using client = await server.greeted()
  const timer = setInterval(() => client.send('N'), 20)
  try {
    await client.expect('421 4.4.2 *')
  } finally {
    clearInterval(timer)
  }
})

test('the whole of DATA has to come in time', async () => {
  await using server = await serve({ readTimeout: 200 })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  const timer = setInterval(() => client.send('A: b\r\n'), 20)
  try {
    await client.expect('421 4.4.2 *')
  } finally {
    clearInterval(timer)
  }
  assert.deepEqual(server.recorder.messages, [])
})

test('a client that waits for the server is not silent', async () => {
  class Slow extends Recorder {
    override async mail(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  await using server = await serve({ readTimeout: 50 }, { receiver: new Slow() })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
})

test('a client that reads no replies is cut off, and does not fill the memory', async () => {
  await using server = await serve({ writeTimeout: 50 })
  await using client = await server.greeted()
  client.pause()
  const line = `VRFY ${'x'.repeat(3000)}\r\n`
  const timer = setInterval(() => client.send(line.repeat(2000)), 1)
  try {
    await Promise.all(server.ended)
  } finally {
    clearInterval(timer)
  }
})

test('an idle session ends at once when it is told to stop', async () => {
  const stop = new AbortController()
  await using server = await serve({}, { stop: stop.signal })
  await using client = await server.greeted()
  stop.abort()
  await client.expect('421 4.3.2 *')
  await client.closed()
})

test('a transaction in hand is finished first', async () => {
  const stop = new AbortController()
  await using server = await serve({}, { stop: stop.signal })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  stop.abort()
  await client.command('A: b\r\n.', '250 2.0.0 OK: queued')
  await client.expect('421 4.3.2 *')
  await client.closed()
  assert.equal(server.recorder.messages.length, 1)
})

test('a session that comes when all have been told to stop is told at once', async () => {
  await using server = await serve({}, { stop: AbortSignal.abort() })
  await using client = await server.dial()
  await client.expect('220 *')
  await client.expect('421 4.3.2 *')
})

test('a reader that is slow holds the client back', async () => {
  const read = Promise.withResolvers<void>()
  class Slow extends Recorder {
    override async data(content: Parameters<Recorder['data']>[0]) {
      await read.promise
      return super.data(content)
    }
  }
  await using server = await serve({ readTimeout: 5000 }, { receiver: new Slow() })
  await using client = await server.ready()
  await client.command('DATA', '354 *')
  let sent = 0
  const block = `${'x'.repeat(998)}\r\n`.repeat(64)
  for (; sent < 24; sent++) client.send(block)
  const before = process.memoryUsage().arrayBuffers
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 ** 2)
  read.resolve()
  await client.command('.', '250 *')
  assert.equal(server.recorder.messages[0]?.content.length, 24 * 64_000)
})
