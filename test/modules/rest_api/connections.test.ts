import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { Connections, type Patience } from '../../../modules/rest_api/connections.ts'
import { dial } from '../../support/wire.ts'

const patient: Patience = { reading: 60_000, stuck: 60_000, idle: 60_000 }

/** HTTP on the connections of a socket that somebody else listens on; it answers once a request has been read. */
const served = async (patience: Partial<Patience>) => {
  const connections = new Connections(
    (request, response) => void request.resume().on('end', () => response.end('done')),
    { ...patient, ...patience },
  )
  const stop = new AbortController()
  const sessions: Promise<void>[] = []
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    sessions.push(connections.converse(socket, stop.signal))
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    client: await dial((listener.address() as AddressInfo).port),
    stop,
    /** Resolves when no session is left. */
    over: async () => void (await Promise.all(sessions)),
    [Symbol.asyncDispose]: async () => void listener.close(),
  }
}

test('a header that does not come to its end ends the connection, however busily it comes', async () => {
  await using own = await served({ reading: 100, idle: 10 })
  own.client.send('GET / HTTP/1.1\r\n')
  const dribble = setInterval(() => own.client.send('X: y\r\n'), 10)
  assert.equal(await own.client.rest(), '')
  clearInterval(dribble)
  await own.over()
})

test('a body that does not come to its end ends the connection, however busily it comes', async () => {
  await using own = await served({ reading: 100 })
  own.client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
  const dribble = setInterval(() => own.client.send('x'), 10)
  assert.equal(await own.client.rest(), '')
  clearInterval(dribble)
  await own.over()
})

test('a connection without a further request ends', async () => {
  await using own = await served({ idle: 50 })
  own.client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.match(await own.client.rest(), /^HTTP\/1\.1 200 OK\r\n.*done$/s)
  await own.over()
})

test('a client that says nothing at all is left', async () => {
  await using own = await served({ reading: 40, idle: 10 })
  assert.equal(await own.client.rest(), '')
  await own.over()
})

test('a stop ends what waits for a request, in its middle too, and what is asked is answered', async () => {
  await using own = await served({})
  own.client.send('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n')
  assert.equal(await own.client.line(), 'HTTP/1.1 100 Continue')
  own.stop.abort()
  own.client.send('body')
  assert.match(await own.client.rest(), /Connection: close\r\n.*done$/s)
  await own.over()
})
