import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { carryOn, number, packet, type Scripts, scriptedFilter } from '../../kit/milter/filter.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { type MailServer, mailServer } from './mail_server.ts'

/** A whole server whose mail a filter judges. */
const judging = async (scripts: Scripts, directives = '') => {
  await using stack = new AsyncDisposableStack()
  const filter = stack.use(await scriptedFilter(scripts))
  const server = stack.use(await mailServer(`milter tcp://127.0.0.1:${filter.port} {\n${directives}\n}`))
  const held = stack.move()
  return { filter, server, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const delivered = async (server: MailServer): Promise<string> => {
  const [message, another] = await server.messages('INBOX')
  assert.equal(another, undefined)
  return message ?? ''
}

test('a recipient that a filter puts off hears its words, and the others get the message', async () => {
  await using made = await judging({ R: [packet('y', '451 4.7.1 slow down\0'), carryOn] })
  const [first, second, reply] = await made.server.send(['b@to.example', 'c@to.example'])
  assert.match(first ?? '', /^451 4\.7\.1 slow down \(msg ID = [0-9a-f]{8}\)$/)
  assert.match(second ?? '', /^250 /)
  assert.match(reply ?? '', /^250 /)
  assert.deepEqual(await made.server.messages('INBOX', 'b@to.example'), [])
  assert.equal((await made.server.messages('INBOX', 'c@to.example')).length, 1)
})

test('the lines of a reply become one', async () => {
  await using made = await judging({ E: packet('y', '550-5.7.1 first\r\n550 5.7.1 second\0') })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^550 5\.7\.1 first second \(msg ID = [0-9a-f]{8}\)$/)
})

test('a message that a filter would discard is put off', async () => {
  await using made = await judging({ E: packet('d') })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^450 4\.7\.1 Message rejected due to local policy \(msg ID = /)
  assert.deepEqual(await made.server.messages('INBOX'), [])
})

test('fields that a filter adds stand above the trace, the last one first', async () => {
  await using made = await judging({
    E: Buffer.concat([packet('h', 'A\0 1\0'), packet('h', 'B\0 2\0'), carryOn]),
  })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.match(await delivered(made.server), /(^|\r\n)B: 2\r\nA: 1\r\nReceived: /)
})

test('fields that a filter adds stand above the results of checks', async () => {
  await using filter = await scriptedFilter({
    E: Buffer.concat([packet('h', 'A\0 1\0'), packet('h', 'B\0 2\0'), carryOn]),
  })
  await using server = await mailServer(`spf\nmilter tcp://127.0.0.1:${filter.port}`)
  await server.send()
  assert.match(await delivered(server), /(^|\r\n)B: 2\r\nA: 1\r\nAuthentication-Results: mx\.test; spf=none .*\r\n/)
})

for (const [code, what] of [
  ['O', 'before anything'],
  ['M', 'after the greeting'],
  ['E', 'at the end'],
] as const) {
  test(`a filter that hangs ${what} puts the message off`, async () => {
    await using made = await judging({ [code]: undefined }, 'io_timeout 100ms')
    const replies = await made.server.send().catch((error: Error) => [error.message])
    assert.match(replies.at(-1) ?? '', /451 4\.7\.1 I\/O error during policy check \(msg ID = /)
  })

  test(`with fail_open a filter that hangs ${what} is passed over`, async () => {
    await using made = await judging({ [code]: undefined }, 'io_timeout 100ms\nfail_open yes')
    const [, reply] = await made.server.send()
    assert.match(reply ?? '', /^250 /)
    assert.match(await made.server.log(), /milter skipped.*does not answer in 100 ms/)
    assert.match(await delivered(made.server), /\r\n\r\nhello\r\n$/)
  })
}

for (const [fail_open, reply] of [
  ['no', /451 4\.7\.1 I\/O error during policy check/],
  ['yes', /^250 /],
] as const) {
  test(`with fail_open ${fail_open} a closed port of the filter is answered ${reply.source}`, async () => {
    const nobody = await scriptedFilter()
    await nobody[Symbol.asyncDispose]()
    await using server = await mailServer(`milter tcp://127.0.0.1:${nobody.port} {\nfail_open ${fail_open}\n}`)
    const replies = await server.send().catch((error: Error) => [error.message])
    assert.match(replies.at(-1) ?? '', reply)
  })
}

test('a message that a filter quarantines is delivered to Junk', async () => {
  await using made = await judging({ E: Buffer.concat([packet('q', 'smells\0'), carryOn]) })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.deepEqual(await made.server.messages('INBOX'), [])
  assert.equal((await made.server.messages('Junk')).length, 1)
  assert.match(await made.server.log(), /quarantined.*smells/)
})

test('header and body are delivered as the filter wants them', async () => {
  await using made = await judging({
    E: Buffer.concat([
      packet('m', number(1), 'Subject\0 [spam] x\0'),
      packet('m', number(1), 'X-Old\0\0'),
      packet('i', number(3), 'X-New\0 1\n\t2\0'),
      packet('b', 'something '),
      packet('b', 'else\r\n'),
      carryOn,
    ]),
  })
  await made.server.send(['b@to.example'], 'X-Old: 1\r\nSubject: x\r\nX-Last: 1\r\n\r\nhello\r\n')
  const message = await delivered(made.server)
  assert.match(message, /\r\nSubject: \[spam\] x\r\nX-Last: 1\r\nX-New: 1\r\n\t2\r\n\r\nsomething else\r\n$/)
  assert.doesNotMatch(message, /X-Old/)
})

test('a large new body is delivered whole', async () => {
  const piece = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(60))
  const pieces = Array.from({ length: 40 }, () => packet('b', piece))
  await using made = await judging({ E: Buffer.concat([...pieces, carryOn]) })
  await made.server.send()
  const message = await delivered(made.server)
  assert.equal(message.length - message.indexOf('\r\n\r\n') - 4, 40 * piece.length)
})

test('recipients whom a filter adds and removes get the message and do not', async () => {
  await using made = await judging({
    E: Buffer.concat([packet('+', '<c@to.example>\0'), packet('-', '<B@TO.example>\0'), carryOn]),
  })
  const [, reply] = await made.server.send(['b@to.example'])
  assert.match(reply ?? '', /^250 /)
  assert.deepEqual(await made.server.messages('INBOX', 'b@to.example'), [])
  assert.equal((await made.server.messages('INBOX', 'c@to.example')).length, 1)
})

test('the sender that a filter sets is the one that targets see', async () => {
  await using made = await judging({ E: Buffer.concat([packet('e', '<other@from.example>\0'), carryOn]) })
  const [, reply] = await made.server.send()
  assert.match(reply ?? '', /^250 /)
  assert.match(await delivered(made.server), /Return-Path: <other@from\.example>/i)
})

test('a client that leaves before its message is done is taken back from the filter', async () => {
  await using filter = await scriptedFilter()
  await using server = await serve(`smtp tcp://127.0.0.1:0 {
    hostname mx.test
    tls off
    defer_sender_reject no
    check {
      milter tcp://127.0.0.1:${filter.port}
    }
    deliver_to dummy
  }`)
  {
    await using client = await dial(server.port('smtp'))
    await client.expect('220 *')
    await client.command('EHLO client.example', '250 *')
    await client.command('MAIL FROM:<a@from.example>', '250 *')
  }
  await filter.closed()
  assert.equal(filter.codes(), 'OCHMAQ')
})

test('a filter is reached by its Unix socket in the runtime directory, and hears the name of the server', async () => {
  await using server = await serve(`
    hostname mx.test
    tls off
    smtp tcp://127.0.0.1:0 {
      check {
        milter unix:filter.sock
      }
      deliver_to dummy
    }`)
  await mkdir(join(server.directory, 'run'), { recursive: true })
  await using filter = await scriptedFilter({}, join(server.directory, 'run', 'filter.sock'))
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@from.example>', '250 *')
  await client.command('RCPT TO:<b@to.example>', '250 *')
  assert.equal(filter.symbols('C').j, 'mx.test')
})
