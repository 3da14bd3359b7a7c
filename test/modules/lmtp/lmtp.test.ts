import assert from 'node:assert/strict'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Check, SmtpError } from '../../../core/index.ts'
import { dial } from '../../support/wire.ts'
import { Box, endpoint, type TestEndpoint } from '../smtp/harness.ts'

const lmtp = (more = '') => `lmtp tcp://127.0.0.1:0 {\nhostname mx.h.example\n${more}\n}`

const withTwo = async (server: TestEndpoint, first = 'b', second = 'c') => {
  const client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command(`RCPT TO:<${first}@h.example>`, '250 *')
  await client.command(`RCPT TO:<${second}@h.example>`, '250 *')
  await client.command('DATA', '354 *')
  return client
}

test('B18 each recipient is told', async () => {
  await using server = await endpoint(lmtp())
  await using client = await withTwo(server)
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('250 2.0.0 <b@h.example> OK: queued')
  await client.expect('250 2.0.0 <c@h.example> OK: queued')
  assert.equal(server.box.delivered.length, 1)
})

test('B19 one who fails at the content does not keep the others from it', async () => {
  await using server = await endpoint(lmtp())
  await using client = await withTwo(server, 'late', 'c')
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('550 5.2.0 <late@h.example> Too late (msg ID = *)')
  await client.expect('250 2.0.0 <c@h.example> OK: queued')
  assert.equal(server.box.delivered.length, 1)
})

test('when all fail nothing is committed', async () => {
  await using server = await endpoint(lmtp())
  await using client = await withTwo(server, 'late', 'later')
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('550 5.2.0 <late@h.example> *')
  await client.expect('550 5.2.0 <later@h.example> *')
  assert.deepEqual(server.box.events, ['begin', 'dispose'])
})

test('a failure to commit is that of those without one', async () => {
  const box = new Box()
  box.fail.commit = SmtpError.temporary(451, '4.3.0', 'Disk is full')
  await using server = await endpoint(lmtp(), { box })
  await using client = await withTwo(server, 'late', 'c')
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('550 5.2.0 <late@h.example> *')
  await client.expect('451 4.3.0 <c@h.example> Disk is full (msg ID = *)')
})

test('a commit that fails is in the log, which then tells of no message accepted', async () => {
  const box = new Box()
  box.fail.commit = new Error('disk full')
  await using server = await endpoint(lmtp(), { box })
  await using client = await withTwo(server)
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('451 4.3.0 <b@h.example> Internal server error (msg ID = *)')
  await client.expect('451 4.3.0 <c@h.example> *')
  assert.equal(server.logged('DATA error').length, 1)
  assert.deepEqual(server.logged('accepted'), [])
})

test('B20 a header that is too big is told to each', async () => {
  await using server = await endpoint(lmtp('max_header_size 1K'))
  await using client = await withTwo(server)
  client.send(`${`X: ${'y'.repeat(500)}\r\n`.repeat(3)}\r\n.\r\n`)
  await client.expect('552 5.3.4 <b@h.example> Message header size exceeds limit (msg ID = *)')
  await client.expect('552 5.3.4 <c@h.example> *')
})

test('B21 the trace field says LMTP', async () => {
  await using server = await endpoint(lmtp())
  await using client = await withTwo(server)
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('250 *')
  await client.expect('250 *')
  assert.match(server.box.delivered[0]?.header.replaceAll('\r\n ', ' ') ?? '', / with LMTP id /)
})

test('what checks found stands above the trace field, and below what they add themselves', async () => {
  const check: Check = {
    name: 'check.finder',
    timeout: 0,
    begin: () => ({
      message: async () => ({
        results: [{ method: 'x-found', value: 'pass', properties: {} }],
        fields: ['X-Found: y\r\n'],
      }),
    }),
  }
  await using server = await endpoint(lmtp(), { checks: [check] })
  await using client = await withTwo(server)
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('250 *')
  await client.expect('250 *')
  assert.match(
    server.box.delivered[0]?.header ?? '',
    /^X-Found: y\r\nAuthentication-Results: mx\.h\.example; x-found=pass\r\nReceived: [\s\S]*\r\nX: y\r\n$/,
  )
})

test('a recipient whose domain was cleaned is named as typed', async () => {
  await using server = await endpoint(lmtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@H.Example>', '250 *')
  await client.command('DATA', '354 *')
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('250 2.0.0 <b@H.Example> OK: queued')
  assert.deepEqual(server.box.delivered[0]?.rcpts, ['b@h.example'])
})

test('a Unix socket has no address', async () => {
  const path = join(tmpdir(), `tsmaddy-lmtp-${process.pid}.sock`)
  await using server = await endpoint(`lmtp unix://${path} {\nhostname mx.h.example\n}`)
  await using client = await dial(path)
  await client.expect('220 *')
  await client.command('LHLO c', '250 *')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('DATA', '354 *')
  client.send('X: y\r\n\r\n.\r\n')
  await client.expect('250 *')
  assert.equal(server.box.delivered[0]?.envelope.origin.peer, null)
  assert.match(server.box.delivered[0]?.header.replaceAll('\r\n ', ' ') ?? '', /^Received: from c by mx\.h\.example /)
})
