import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { certificate } from '../../support/certificates.ts'
import { dial, WireClient } from '../../support/wire.ts'
import { endpoint, sendMessage } from './harness.ts'

const instances = { cert: { certificates: [await certificate()] } }
const smtp = (proxy: string, tls = 'off', scheme = 'tcp') =>
  `smtp ${scheme}://127.0.0.1:0 {\nhostname mx.h.example\ntls ${tls}\n${proxy}\n}`
const header = 'PROXY TCP4 192.0.2.7 192.0.2.1 4321 25\r\n'
const message = 'X: y\r\n\r\n'

test('S40 the address in the header of a trusted proxy is that of the client', async () => {
  await using server = await endpoint(smtp('proxy_protocol 127.0.0.1'))
  await using client = await server.dial()
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  assert.deepEqual(server.box.delivered[0]?.envelope.origin.peer, { ip: '192.0.2.7', port: 4321 })
  assert.match(server.box.delivered[0]?.header ?? '', /\[192\.0\.2\.7\]/)
})

test('S41 the header of a stranger is swallowed', async () => {
  await using server = await endpoint(smtp('proxy_protocol 192.0.2.0/24'))
  await using client = await server.dial()
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '127.0.0.1')
  assert.equal(server.logged('PROXY header from an untrusted peer ignored').length, 1)
})

test('without a header the session works', async () => {
  await using server = await endpoint(smtp('proxy_protocol'))
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '127.0.0.1')
})

test('a header may come in pieces', async () => {
  await using server = await endpoint(
    smtp('proxy_protocol { trust 127.0.0.0/8 }'.replace('{ ', '{\n').replace(' }', '\n}')),
  )
  await using client = await server.dial()
  for (const octet of header) await client.packet(octet)
  await client.command('EHLO c', '250 *')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '192.0.2.7')
})

test('a header of version 2 is read', async () => {
  await using server = await endpoint(smtp('proxy_protocol'))
  await using client = await server.dial()
  const addresses = Buffer.alloc(36)
  Buffer.from('20010db8000000000000000000000001', 'hex').copy(addresses)
  addresses.writeUInt16BE(4321, 32)
  const head = Buffer.from('0d0a0d0a000d0a515549540a21210024', 'hex')
  client.send(Buffer.concat([head, addresses, Buffer.from('EHLO c\r\n')]))
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  assert.deepEqual(server.box.delivered[0]?.envelope.origin.peer, { ip: '2001:db8::1', port: 4321 })
})

test('a broken header ends the connection', async () => {
  await using server = await endpoint(smtp('proxy_protocol'))
  await using client = await server.dial()
  client.send('PROXY TCP4 nonsense\r\nEHLO c\r\n')
  await client.closed()
})

test('79 an IPv6 address stands for itself alone', async () => {
  await using server = await endpoint(smtp('proxy_protocol ::1'))
  await using client = await server.dial()
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '127.0.0.1')
})

for (const entry of ['nonsense', '10.0.0.0/33', '::1/129']) {
  test(`${entry} is no network`, async () => {
    await assert.rejects(endpoint(smtp(`proxy_protocol ${entry}`)), { name: 'ConfigError' })
  })
}

test('a header comes before the TLS of the client', async () => {
  await using server = await endpoint(smtp('proxy_protocol', '&cert', 'tls'), { instances })
  const client = await raw(server.ports[0] ?? 0)
  await using _ = client
  client.send(header)
  await client.startTls()
  await client.expect('220 *')
  await client.command('EHLO c', '250 *')
  await sendMessage(client, message, '250 *')
  const { origin } = server.box.delivered[0]?.envelope ?? {}
  assert.deepEqual([origin?.peer?.ip, origin?.protocol], ['192.0.2.7', 'ESMTPS'])
})

test('a header within the TLS of the client is taken too', async () => {
  await using server = await endpoint(smtp('proxy_protocol', '&cert', 'tls'), { instances })
  await using client = await raw(server.ports[0] ?? 0)
  await client.startTls()
  await client.expect('220 *')
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '192.0.2.7')
})

test('the proxy may speak TLS itself, around all it passes on', async () => {
  await using server = await endpoint(smtp('proxy_protocol {\ntls &cert\n}'), { instances })
  await using client = await raw(server.ports[0] ?? 0)
  await client.startTls()
  await client.expect('220 *')
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await sendMessage(client, message, '250 *')
  const { origin } = server.box.delivered[0]?.envelope ?? {}
  assert.deepEqual([origin?.peer?.ip, origin?.protocol], ['192.0.2.7', 'ESMTP'])
})

test('STARTTLS works behind a proxy', async () => {
  await using server = await endpoint(smtp('proxy_protocol', '&cert'), { instances })
  await using client = await server.dial()
  client.send(`${header}EHLO c\r\n`)
  await client.expect('250 *')
  await client.command('STARTTLS', '220 *')
  await client.startTls()
  await client.command('EHLO c', '250 *')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer?.ip, '192.0.2.7')
})

test('a client that waits for nothing but the banner and leaves ends its session', async () => {
  await using server = await endpoint(smtp('proxy_protocol'))
  const client = await dial(server.ports[0] ?? 0)
  await client.expect('220 *')
  await client[Symbol.asyncDispose]()
  await Promise.all(server.ended)
})

test('a client that says all it has to say and closes its side is answered behind a proxy', async () => {
  await using server = await endpoint(smtp('proxy_protocol'))
  await using client = await dial(server.ports[0] ?? 0)
  client.send('PROXY TCP4 192.0.2.7 192.0.2.1 54321 25\r\nEHLO c\r\nQUIT\r\n')
  client.end()
  assert.match(await client.rest(), /221 2\.0\.0 Bye\r\n$/)
  await Promise.all(server.ended)
})

/** A connection of which nothing has been read. */
const raw = async (port: number): Promise<WireClient> => {
  const socket = connect({ host: '127.0.0.1', port })
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  return new WireClient(socket)
}
