import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Check, SmtpError } from '../../../core/index.ts'
import { Box, endpoint, sendMessage } from './harness.ts'

const smtp = (more = '') => `smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\n${more}\n}`
const message = 'From: <a@h.example>\r\n\r\nHello'

test('the banner has the hostname, and EHLO the extensions in their order', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.dial()
  assert.equal(client.last, '220 mx.h.example ESMTP Service Ready')
  assert.deepEqual((await client.command('EHLO client.example', '250 *')).split('\n'), [
    '250-Hello client.example',
    '250-PIPELINING',
    '250-8BITMIME',
    '250-ENHANCEDSTATUSCODES',
    '250-CHUNKING',
    '250-SMTPUTF8',
    '250-SIZE 33554432',
    '250 LIMITS RCPTMAX=20000',
  ])
})

test('max_message_size bounds what MAIL announces, what DATA brings and what chunks bring', async () => {
  await using server = await endpoint(smtp('max_message_size 2K'))
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /^250-SIZE 2048$/m)
  await client.command('MAIL FROM:<a@h.example> SIZE=5000', '552 5.3.4 Max message size exceeded')
  const large = `X: y\r\n\r\n${'z'.repeat(500)}\r\n`.repeat(5)
  await sendMessage(client, large, '552 5.3.4 Max message size exceeded (msg ID = *)')
  await client.command('MAIL FROM:<a@h.example> SIZE=2048', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  client.send(`BDAT ${large.length} LAST\r\n${large}`)
  await client.expect('552 5.3.4 Max message size exceeded')
  await sendMessage(client, message, '250 *')
  assert.equal(server.box.delivered.length, 1)
})

test('max_message_size 0 is none', async () => {
  await using server = await endpoint(smtp('max_message_size 0'))
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /^250-SIZE$/m)
  await client.command('MAIL FROM:<a@h.example> SIZE=99999999999', '250 *')
})

test('max_recipients 0 is none, and not told', async () => {
  await using server = await endpoint(smtp('max_recipients 0'))
  await using client = await server.dial()
  assert.doesNotMatch(await client.command('EHLO c', '250 *'), /LIMITS/)
})

test('a recipient beyond max_recipients is refused for now, and those before get the message', async () => {
  await using server = await endpoint(smtp('max_recipients 2'))
  await using client = await server.dial()
  assert.match(await client.command('EHLO c', '250 *'), /^250 LIMITS RCPTMAX=2$/m)
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('RCPT TO:<c@h.example>', '250 *')
  await client.command('RCPT TO:<d@h.example>', '452 4.5.3 Maximum limit of 2 recipients reached')
  await client.command('DATA', '354 *')
  await client.command(`${message}\r\n.`, '250 2.0.0 OK: queued')
  assert.deepEqual(server.box.delivered[0]?.rcpts, ['b@h.example', 'c@h.example'])
})

test('a recipient who is refused does not count', async () => {
  await using server = await endpoint(smtp('max_recipients 2'))
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<550@h.example>', '550 5.1.1 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  await client.command('RCPT TO:<c@h.example>', '250 *')
})

test('without a recipient who was accepted there is no content', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<550@h.example>', '550 *')
  await client.command('DATA', '502 5.5.1 Missing RCPT TO command.')
  await client.command('BDAT 0 LAST', '502 5.5.1 Missing RCPT TO command.')
})

describe('commands where they do not belong', () => {
  for (const [block, said, line, reply] of [
    ['smtp', [], 'MAIL FROM:<a@h.example>', '502 5.5.1 Please introduce yourself first.'],
    ['smtp', ['EHLO c'], 'RCPT TO:<b@h.example>', '502 5.5.1 Missing MAIL FROM command.'],
    ['smtp', ['EHLO c', 'MAIL FROM:<a@h.example>'], 'DATA', '502 5.5.1 Missing RCPT TO command.'],
    ['smtp', [], 'LHLO c', '500 5.5.1 This is not a LMTP server'],
    ['lmtp', [], 'EHLO c', '500 5.5.1 This is a LMTP server, use LHLO'],
    ['smtp', ['EHLO c', 'MAIL FROM:<a@h.example>'], 'RCPT TO:<postmaster>', '501 5.5.2 *'],
    ['smtp', ['EHLO c'], 'MAIL FROM:<a@h.example> BODY=BINARYMIME', '504 5.5.4 *'],
    ['smtp', ['EHLO c'], 'MAIL FROM:<a@h.example> RET=FULL', '504 5.5.4 *'],
    ['smtp', ['EHLO c', 'MAIL FROM:<a@h.example>'], 'RCPT TO:<b@h.example> NOTIFY=NEVER', '504 5.5.4 *'],
    ['smtp', ['EHLO c'], 'MAIL FROM:<a@h.example> FOO=1', '500 5.5.4 *'],
  ] as const) {
    test(`${line} after ${said.length} commands of ${block} is answered ${reply}`, async () => {
      await using server = await endpoint(smtp().replace('smtp', block))
      await using client = await server.dial()
      for (const before of said) await client.command(before, '250 *')
      await client.command(line, reply)
      await client.command('NOOP', '250 *')
    })
  }
})

test('three mistakes are forgiven, and the fourth ends the session', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  for (let count = 0; count < 4; count++) await client.command('WHAT', '500 5.5.2 *')
  await client.expect('500 5.5.1 Too many errors. Quiting now')
  await client.closed()
})

test('a message in chunks is the chunks one after the other', async () => {
  await using server = await endpoint(smtp())
  await using client = await server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('RCPT TO:<b@h.example>', '250 *')
  client.send('BDAT 10\r\nX: y\r\n\r\non')
  await client.expect('250 2.0.0 Continue')
  client.send('BDAT 6 LAST\r\n two\r\n')
  await client.expect('250 2.0.0 OK: queued')
  assert.equal(server.box.delivered[0]?.body, 'on two\r\n')
})

/** Objects at that stage. */
const objector = (stage: 'connection' | 'sender' | 'recipient' | 'message'): Check => ({
  name: 'check.objector',
  timeout: 0,
  begin: () => ({
    [stage]: async () => ({ action: 'reject' as const, reason: SmtpError.permanent(550, '5.7.1', `Not at ${stage}`) }),
  }),
})

for (const stage of ['connection', 'sender', 'recipient', 'message'] as const) {
  test(`a check that refuses at ${stage} is told with the ID of the message`, async () => {
    await using server = await endpoint(smtp(), { checks: [objector(stage)] })
    await using client = await server.greeted()
    client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nBDAT 8 LAST\r\nX: y\r\n\r\n')
    await client.expect('250 *')
    if (stage === 'message') await client.expect('250 *')
    const reply = await client.expect(`550 5.7.1 Not at ${stage} (msg ID = *)`)
    const [, id] = /\(msg ID = ([0-9a-f]{8})\)$/.exec(reply) ?? []
    assert.equal(server.logged('incoming message')[0]?.msg_id, id)
  })
}

for (const place of ['begin', 'rcpt', 'message', 'commit'] as const) {
  test(`what a target says at ${place} is told with the ID of the message`, async () => {
    const box = new Box()
    box.fail[place] = SmtpError.temporary(451, '4.2.0', 'Not now')
    await using server = await endpoint(smtp(), { box })
    await using client = await server.greeted()
    client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nBDAT 8 LAST\r\nX: y\r\n\r\n')
    await client.expect('250 *')
    if (place === 'message' || place === 'commit') await client.expect('250 *')
    await client.expect('451 4.2.0 Not now (msg ID = *)')
    assert.match(client.last, /\(msg ID = [0-9a-f]{8}\)$/)
    assert.deepEqual(box.delivered, [])
  })
}
