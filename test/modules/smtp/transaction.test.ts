import assert from 'node:assert/strict'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmtpError } from '../../../core/index.ts'
import { zone } from '../../../core/kit/dns/memory.ts'
import { Box, endpoint, sendMessage } from './harness.ts'

const smtp = (more = '') => `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\n${more}\n}`
const message = 'From: <a@h.example>\r\nSubject: x\r\n\r\nHello'

test('a message is delivered, with a trace field on top', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await sendMessage(client, message, '250 2.0.0 OK: queued')
  const [delivered] = server.box.delivered
  assert.deepEqual(delivered?.rcpts, ['b@h.example'])
  assert.equal(delivered?.body, 'Hello\r\n')
  assert.match(
    delivered?.header.replaceAll('\r\n ', ' ') ?? '',
    /^Received: from client\.example \(\[127\.0\.0\.1\]\) by mx\.h\.example \(envelope-sender <a@h\.example>\) with ESMTP id [0-9a-f]{8}; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}\r\nFrom: <a@h\.example>\r\nSubject: x\r\n$/,
  )
})

test('S17 a sender that needs SMTPUTF8 is refused with the first recipient', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<é@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '550 5.6.7 SMTPUTF8 is required for non-ASCII senders')
})

test('S18 or with MAIL, when nothing is deferred', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<é@h.example>', '550 5.6.7 *')
})

test('S19 a recipient that needs SMTPUTF8 is refused', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<é@h.example>', '553 5.6.7 SMTPUTF8 is required for non-ASCII recipients')
})

test('S20 a recipient whose domain cannot be decoded is refused', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@xn--a_b.example>', '501 5.1.2 Unable to normalize the recipient address')
})

test('S21 a sender whose domain cannot be decoded is refused', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<b@xn--a_b.example>', '553 5.1.7 Unable to normalize the sender address')
})

test('S22 domains are cleaned, local parts kept', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *', { to: ['<Ann@xn--bcher-kva.EXAMPLE>', '<Ann@XN--BCHER-KVA.example>'] })
  assert.deepEqual(server.box.delivered[0]?.rcpts, ['Ann@bücher.example', 'Ann@xn--bcher-kva.example'])
})

test('S23 what is not ASCII is replaced in refusals, unless SMTPUTF8 was asked for', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@refused.example>', '550 5.7.1 Not from ? (msg ID = *)')
  await client.command('MAIL FROM:<a@refused.example> SMTPUTF8', '550 5.7.1 Not from ж (msg ID = *)')
})

test('S24 a refused sender is told to every recipient, with one message ID', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@refused.example>', '250 *')
  const first = await client.command('RCPT TO:<b@h.example>', '550 5.7.1 *')
  assert.equal(await client.command('RCPT TO:<c@h.example>', '550 5.7.1 *'), first)
})

test('S24 and is forgotten with RSET', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@refused.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '550 *')
  await client.command('RSET', '250 *')
  await sendMessage(client, message, '250 *')
})

test('S25 after a refused MAIL another is looked at afresh', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@refused.example>', '550 *')
  await sendMessage(client, message, '250 *')
})

test('S26 MAIL again without RSET gives up the first', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<x@h.example>', '250 *')
  await client.command('RCPT TO:<x@h.example>', '250 *')
  await sendMessage(client, message, '250 *')
  assert.deepEqual(server.box.events, ['begin', 'dispose', 'begin', 'commit', 'dispose'])
})

test('S27 after RSET only the second transaction is delivered', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<x@h.example>', '250 *')
  await client.command('RCPT TO:<x@h.example>', '250 *')
  await client.command('RSET', '250 *')
  await sendMessage(client, message, '250 *')
  assert.deepEqual(
    server.box.delivered.map(({ rcpts }) => rcpts),
    [['b@h.example']],
  )
})

test('S28 a client that leaves before the end has delivered nothing', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.packet(message)
  client.destroy()
  await Promise.all(server.ended)
  assert.deepEqual(server.box.events, ['begin', 'dispose'])
  assert.equal(server.logged('aborted').length, 1)
})

test('S29 an empty message is accepted', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('DATA', '354 *')
  await client.command('.', '250 *')
  assert.equal(server.box.delivered[0]?.body, '')
})

for (const header of ['no colon here', ' starts with a blank', 'na\u0001me: x']) {
  test(`S30 a header is refused that has ${JSON.stringify(header)}`, async () => {
    await using server = await endpoint(smtp())
    await using client = await server.greeted()
    const reply = await sendMessage(client, `${header}\r\n\r\nHello`, '554 5.0.0 *')
    assert.match(reply, /\(msg ID = [0-9a-f]{8}\)$/)
    await client.command('NOOP', '250 *')
  })
}

test('S31 a header that is too big is refused, and the session goes on', async () => {
  await using server = await endpoint(smtp('max_header_size 2K'))
  await using client = await server.greeted()
  const header = `${'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(110)}`
  await sendMessage(client, `${header}\r\nHello`, '552 5.3.4 Message header size exceeds limit (msg ID = *)')
  await sendMessage(client, message, '250 *')
})

test('S32 the size of the body is no size of the header', async () => {
  await using server = await endpoint(smtp('max_header_size 2K'))
  await using client = await server.greeted()
  await sendMessage(client, `X: y\r\n\r\n${`${'z'.repeat(98)}\r\n`.repeat(500)}`, '250 *')
})

test('S33 a message that has been around too much is refused', async () => {
  await using server = await endpoint(smtp('max_received 3'))
  await using client = await server.greeted()
  await sendMessage(client, `${'Received: x\r\n'.repeat(3)}\r\n`, '250 *')
  await sendMessage(
    client,
    `${'Received: x\r\n'.repeat(4)}\r\n`,
    '554 5.4.6 Too many Received header fields (4), possible forwarding loop (msg ID = *)',
  )
})

for (const [size, inMemory] of [
  [2, true],
  [9, true],
  [10, false],
  [5000, false],
] as const) {
  test(`S36 a body of ${size} octets is kept ${inMemory ? 'in memory' : 'in a file, which is removed'}`, async () => {
    await using server = await endpoint(smtp('buffer auto 10b'))
    await using client = await server.greeted()
    const body = `${'z'.repeat(998)}\r\n`.repeat(5).slice(-size)
    await sendMessage(client, `X: y\r\n\r\n${body.slice(0, -2)}`, '250 *')
    assert.equal(server.box.delivered[0]?.body, body)
    assert.equal(server.box.delivered[0]?.inMemory, inMemory)
    assert.deepEqual(await readdir(join(server.directory, 'buffer')), [])
  })
}

for (const line of [
  'buffer ram x',
  'buffer tape',
  'buffer auto 1M d e',
  'buffer',
  'buffer fs a b',
  'max_received -1',
]) {
  test(`S37 ${line} is no configuration`, async () => {
    await assert.rejects(endpoint(smtp(line)), { name: 'ConfigError' })
  })
}

test('S39 a failure that nobody foresaw is worth another try', async () => {
  const box = new Box()
  box.fail.rcpt = new Error('secret detail')
  await using server = await endpoint(smtp(), { box })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '451 4.3.0 Internal server error (msg ID = *)')
})

for (const stage of ['message', 'commit'] as const) {
  test(`a failure at ${stage} is told, and nothing is delivered`, async () => {
    const box = new Box()
    box.fail[stage] = SmtpError.permanent(552, '5.2.2', 'Mailbox is full')
    await using server = await endpoint(smtp(), { box })
    await using client = await server.greeted()
    await sendMessage(client, message, '552 5.2.2 Mailbox is full (msg ID = *)')
    assert.deepEqual(box.events, ['begin', 'dispose'])
  })
}

test('one recipient who fails at the content fails all, and nothing is committed', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await sendMessage(client, message, '550 5.2.0 Too late (msg ID = *)', { to: ['<b@h.example>', '<late@h.example>'] })
  assert.deepEqual(server.box.delivered, [])
})

test('a message is accepted once it is committed, even if its file cannot be removed from the buffer', async () => {
  const box = new Box()
  await using server = await endpoint(smtp('buffer fs'), { box })
  const buffer = join(server.directory, 'buffer')
  box.beforeCommit = async () => {
    for (const file of await readdir(buffer)) {
      await rm(join(buffer, file))
      await mkdir(join(buffer, file)) // which `rm` does not remove
    }
  }
  await using client = await server.greeted()
  await sendMessage(client, 'X: y\r\n\r\nbody', '250 2.0.0 OK: queued')
  assert.equal(box.delivered.length, 1)
  assert.equal(server.logged('body was not removed from the buffer').length, 1)
})

test('what a command throws that nobody foresaw is in the log', async () => {
  const limits = {
    message: async () => {
      throw new TypeError('a mistake of ours')
    },
  }
  const block = 'smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nlimits &x\ndefer_sender_reject no\n}'
  await using server = await endpoint(block, { instances: { x: limits } })
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '421 4.0.0 Internal server error')
  const [line] = server.lines.filter(({ event }) => event === 'command failed')
  assert.equal(line?.level, 'error')
  assert.match(String(line?.fields.reason), /a mistake of ours/)
})

test('S42 a reverse lookup that fails leaves the address', async () => {
  await using server = await endpoint(smtp(), { dns: zone({ '127.0.0.1': { fails: 'SERVFAIL' } }) })
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *')
  assert.match(server.box.delivered[0]?.header ?? '', /from client\.example \(\[127\.0\.0\.1\]\)/)
  assert.equal(server.box.delivered[0]?.envelope.origin.rdns, null)
})

test('a reverse name stands in the trace field', async () => {
  await using server = await endpoint(smtp(), { dns: zone({ '127.0.0.1': { PTR: ['localhost.h.example'] } }) })
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *')
  assert.match(server.box.delivered[0]?.header ?? '', /\(localhost\.h\.example\s+\[127\.0\.0\.1\]\)/)
})

test('S43 names are in A-labels without SMTPUTF8, and in U-labels with it', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.dial()
  await client.command('EHLO bücher.example', '250 *')
  await sendMessage(client, message, '250 *')
  await sendMessage(client, message, '250 *', { from: '<a@bücher.example> SMTPUTF8' })
  const [ascii, utf8] = server.box.delivered.map(({ header }) => header.replaceAll('\r\n ', ' '))
  assert.match(ascii ?? '', /^Received: from xn--bcher-kva\.example .* with ESMTP id/)
  assert.match(
    utf8 ?? '',
    /^Received: from bücher\.example .*\(envelope-sender <a@bücher\.example>\) with UTF8ESMTP id/,
  )
})

test('S44 the null sender is not named', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *', { from: '<>' })
  assert.equal(server.box.delivered[0]?.envelope.reversePath, null)
  assert.doesNotMatch(server.box.delivered[0]?.header ?? '', /envelope-sender/)
})

test('S45 only so many refused recipients are logged', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no\nmax_logged_rcpt_errors 2'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  for (let i = 0; i < 5; i++) await client.command('RCPT TO:<550@h.example>', '550 5.1.1 *')
  assert.equal(server.logged('RCPT error').length, 2)
  assert.equal(server.logged('too many RCPT errors, possible dictonary attack').length, 1)
})

test('the refusal of a recipient because of the sender has the ID of the message', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<bücher@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '550 5.6.7 *')
  const [refused] = server.logged('RCPT error')
  assert.ok(refused?.msg_id)
  assert.equal(refused.msg_id, server.logged('incoming message')[0]?.msg_id)
})

test('an outage that recipients are told of is no attack, and does not hide one', async () => {
  await using server = await endpoint(smtp('defer_sender_reject no\nmax_logged_rcpt_errors 2'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  server.box.fail = { rcpt: new Error('no connection') }
  for (let i = 0; i < 5; i++) await client.command('RCPT TO:<b@h.example>', '451 4.3.0 *')
  assert.equal(server.logged('RCPT error').length, 2)
  assert.equal(server.logged('too many RCPT errors, possible dictonary attack').length, 0)
  server.box.fail = {}
  for (let i = 0; i < 5; i++) await client.command('RCPT TO:<550@h.example>', '550 5.1.1 *')
  assert.equal(server.logged('RCPT error').length, 4)
  assert.equal(server.logged('too many RCPT errors, possible dictonary attack').length, 1)
})

test('the events of a message have its ID', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await sendMessage(client, message, '250 *')
  const id = server.box.delivered[0]?.envelope.id
  assert.match(id ?? '', /^[0-9a-f]{8}$/)
  for (const event of ['incoming message', 'RCPT ok', 'accepted']) {
    assert.equal(server.logged(event)[0]?.msg_id, id, event)
  }
  const [incoming] = server.logged('incoming message')
  assert.equal(incoming?.src_host, 'client.example')
  assert.equal(incoming?.sender, 'a@h.example')
  assert.match(String(incoming?.src_ip), /^127\.0\.0\.1:\d+$/)
})

test('bare newlines are refused, or mended where that is asked for', async () => {
  await using strict = await endpoint(smtp())
  await using lax = await endpoint(smtp('bare_newlines normalize'))
  await using first = await strict.greeted()
  await using second = await lax.greeted()
  await sendMessage(first, 'X: y\r\n\r\nz\nz', '554 5.6.0 Message contains a bare CR or LF (msg ID = *)')
  await sendMessage(second, 'X: y\r\n\r\nz\nz', '250 *')
  assert.equal(lax.box.delivered[0]?.body, 'z\r\nz\r\n')
})

test('a tls:// address without tls is no configuration', async () => {
  await assert.rejects(endpoint('smtp tls://127.0.0.1:0 {\nhostname mx.h.example\ntls off\n}'), { name: 'ConfigError' })
})

test('smtp without tls is no configuration', async () => {
  await assert.rejects(endpoint('smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\n}'), { name: 'ConfigError' })
})

test('the dialogue is logged when it is asked for', async () => {
  await using server = await endpoint(smtp('io_debug'))
  await using client = await server.greeted()
  await client.command('NOOP', '250 *')
  const lines = server.logged('dialogue').map(({ line }) => line)
  assert.ok(lines.includes('C: NOOP'))
  assert.ok(lines.includes('S: 250 2.0.0 I have successfully done nothing'))
})
