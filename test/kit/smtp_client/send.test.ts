import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../../core/kit/message/message.ts'
import { SmtpError } from '../../../core/kit/smtp/error.ts'
import { type Behaviour, behave, behaving, type Peer, scripted } from './scripted.ts'
import { ann, bob, brief, cid, connected, failureOf, messageOf, patient, told } from './support.ts'

const line = `${'x'.repeat(98)}\r\n`

/** A message of that many lines of 100 octets, made while it is read. */
const long = (lines: number, read?: { count: number }): Message => ({
  ...messageOf(),
  body: {
    size: lines * line.length,
    memory: undefined,
    async *read() {
      for (let left = lines; left > 0; left -= 500) {
        if (read) read.count++
        yield Buffer.from(line.repeat(Math.min(left, 500)))
      }
    },
  },
})

/** A message to bob, and to cid, under way to a server. */
const handed = async (port: number, message: Message, options: Parameters<typeof connected>[1] = {}) => {
  const client = await connected({ port }, options)
  const transaction = client.begin(ann)
  await transaction.recipient(bob)
  await transaction.recipient(cid)
  try {
    return { client, failed: await transaction.message(message) }
  } finally {
    await client.quit()
  }
}

const withServer = async (behaviour: Behaviour, message: Message = messageOf(), options = {}) => {
  await using server = await behaving(behaviour)
  const { failed } = await handed(server.port, message, options)
  return { server, failed, commands: server.seen.map((each) => each.split(' ')[0]) }
}

/** Up to the content, and then what the script says. */
const until = (behaviour: Behaviour, then: (peer: Peer) => Promise<void>) =>
  scripted(async (peer, server) => {
    const line = peer.line.bind(peer)
    let done = false
    peer.line = async () => {
      const next = done ? undefined : await line()
      if (next !== undefined && /^(DATA$|BDAT )/.test(next)) {
        done = true
        if (next === 'DATA') peer.say('354 go on')
        await then(peer)
        return undefined
      }
      return next
    }
    await behave(peer, server, behaviour)
  })

test('DATA carries header and body', async () => {
  const { server, failed, commands } = await withServer({}, messageOf('.a\r\n'))
  assert.deepEqual(commands, ['EHLO', 'MAIL', 'RCPT', 'RCPT', 'DATA', 'QUIT'])
  assert.deepEqual(server.contents, ['Subject: x\r\n\r\n..a\r\n'])
  assert.deepEqual(failed, new Map())
})

test('BDAT carries a short message in one go where CHUNKING is offered', async () => {
  const { server } = await withServer({ offers: ['CHUNKING'] }, messageOf('.a\r\n'))
  assert.equal(server.seen[4], 'BDAT 18 LAST')
  assert.deepEqual(server.contents, ['Subject: x\r\n\r\n.a\r\n'])
})

test('BDAT carries a long message in chunks where PIPELINING is offered too', async () => {
  const { server } = await withServer({ offers: ['CHUNKING', 'PIPELINING'] }, long(20_000))
  const chunks = server.seen.filter((each) => each.startsWith('BDAT'))
  assert.ok(chunks.length > 10)
  assert.match(chunks.at(-1) ?? '', /^BDAT \d+ LAST$/)
  assert.equal(server.contents[0], `Subject: x\r\n\r\n${line.repeat(20_000)}`)
})

test('DATA carries a long message where chunks would have to wait for each other', async () => {
  const { server, commands } = await withServer({ offers: ['CHUNKING'] }, long(20_000))
  assert.equal(commands[4], 'DATA')
  assert.equal(server.contents[0], `Subject: x\r\n\r\n${line.repeat(20_000)}`)
})

test('octets above 127 go as they are, whether 8BITMIME is offered or not', async () => {
  for (const offers of [['8BITMIME'], ['HELP'], ['CHUNKING']]) {
    const { server } = await withServer({ offers }, messageOf('caf\xe9\r\n'))
    assert.equal(server.contents[0], 'Subject: x\r\n\r\ncaf\xe9\r\n')
  }
})

test('nothing is sent when no recipient was accepted', async () => {
  await using server = await behaving({ replies: { RCPT: '550 5.1.1 No' } })
  const client = await connected(server)
  const transaction = client.begin(ann)
  await failureOf(transaction.recipient(bob))
  assert.deepEqual(await transaction.message(messageOf()), new Map())
  await client.quit()
  assert.deepEqual(server.seen.at(-1), 'QUIT')
  assert.ok(!server.seen.includes('DATA'))
})

test('a message that is larger than the server says it takes is not sent', async () => {
  await using server = await behaving({ offers: ['SIZE 1000'] })
  const error = await failureOf(handed(server.port, long(10)))
  assert.equal(told(error), '552 5.3.4 The message is larger than the next server takes')
  assert.ok(!server.seen.includes('DATA'))
})

test('DATA that is refused leaves the connection usable', async () => {
  await using server = await behaving({ replies: { DATA: '451 4.3.0 Not now' } })
  const client = await connected(server)
  const transaction = client.begin(ann)
  await transaction.recipient(bob)
  assert.equal(told(await failureOf(transaction.message(messageOf()))), '451 4.3.0 Not now')
  await client.reset()
  await client.quit()
})

for (const [verdict, refusal] of [
  ['554 5.7.1 Spam', '554 5.7.1 Spam'],
  ['552 5.2.2 Full', '452 4.2.2 Full'],
  ['421 4.3.2 Shutting down', '421 4.3.2 Shutting down'],
] as const) {
  test(`a message that is answered with ${verdict} fails with ${refusal}`, async () => {
    await using server = await behaving({ verdicts: [verdict] })
    assert.equal(told(await failureOf(handed(server.port, messageOf()))), refusal)
  })
}

test('any reply of success after the content is one', async () => {
  const { failed } = await withServer({ verdicts: ['251 2.0.0 fine'] })
  assert.deepEqual(failed, new Map())
})

test('LMTP has a reply for each recipient, in the order of RCPT', async () => {
  const { failed } = await withServer({ verdicts: ['250 2.0.0 ok', '452 4.2.2 Full'] }, messageOf(), {
    protocol: 'lmtp',
  })
  assert.deepEqual([...failed.keys()], [cid])
  assert.equal(told(failed.get(cid)), '452 4.2.2 Full')
})

test('a recipient of LMTP that RCPT refused has no reply after the content', async () => {
  await using server = await behaving({
    replies: { 'RCPT TO:<bob@b.example>': '550 5.1.1 No' },
    verdicts: ['554 5.0.0 cid'],
  })
  const client = await connected(server, { protocol: 'lmtp' })
  const transaction = client.begin(ann)
  await failureOf(transaction.recipient(bob))
  const again = { ...cid }
  await transaction.recipient(cid)
  await transaction.recipient(again)
  const failed = await transaction.message(messageOf())
  assert.deepEqual([...failed.keys()], [cid, again])
  await client.quit()
})

test('recipients of LMTP that are left over when the connection is lost fail, and the others do not', async () => {
  await using server = await until({}, async (peer) => {
    await peer.data()
    peer.say('250 2.0.0 ok')
  })
  const { failed } = await handed(server.port, messageOf(), { protocol: 'lmtp' })
  assert.deepEqual([...failed.keys()], [cid])
  const error = failed.get(cid)
  assert.equal(told(error), '451 4.3.0 Internal server error')
  assert.equal(error?.fields.outcome, 'unknown')
})

test('BDAT over LMTP has a reply for each recipient after the last chunk only', async () => {
  const { failed } = await withServer(
    { offers: ['CHUNKING', 'PIPELINING'], verdicts: ['550 5.0.0 bob', '250 2.0.0 ok'] },
    long(3_000),
    { protocol: 'lmtp' },
  )
  assert.deepEqual([...failed.keys()], [bob])
})

for (const [how, go, expected] of [
  ['closes', () => {}, '451 4.3.0 Internal server error'],
  ['resets the connection', (peer: Peer) => peer.reset(), '450 4.4.2 Network I/O error'],
] as const) {
  test(`a server that ${how} after the content may have taken it: it is tried again`, async () => {
    await using server = await until({}, async (peer) => {
      await peer.data()
      go(peer)
    })
    const error = await failureOf(handed(server.port, messageOf()))
    assert.equal(told(error), expected)
    assert.ok(error instanceof SmtpError)
    assert.ok(error.temporary)
    assert.equal(error.fields.outcome, 'unknown')
  })
}

test('a server that takes too long to say what became of the message is given up', async () => {
  await using server = await behaving({ verdicts: [] })
  const timeouts = { ...patient, submission: 60 }
  const error = await failureOf(handed(server.port, messageOf(), { timeouts }))
  assert.equal(told(error), '450 4.4.2 Network I/O error')
  assert.ok(error instanceof SmtpError)
  assert.equal(error.fields.outcome, 'unknown')
})

test('the message has its own time, which is not that of commands', async () => {
  await using server = await until({}, async (peer) => {
    await peer.data()
    setTimeout(() => peer.say('250 2.0.0 ok'), 150)
    await peer.gone()
  })
  const timeouts = { ...patient, command: 100 }
  const { failed } = await handed(server.port, messageOf(), { timeouts })
  assert.deepEqual(failed, new Map())
})

test('a server that does not read holds the body back, and is given up in the end', async () => {
  const read = { count: 0 }
  await using server = await until({}, async (peer) => {
    peer.socket.pause()
    await new Promise((resolve) => peer.socket.once('close', resolve))
  })
  const error = await failureOf(handed(server.port, long(2_000_000, read), { timeouts: { ...patient, command: 200 } }))
  assert.equal(told(error), '450 4.4.2 Network I/O error')
  assert.ok(read.count < 1_000, `${read.count} of 4000 pieces were read`)
})

for (const [what, offers] of [
  ['DATA', []],
  ['BDAT', ['CHUNKING', 'PIPELINING']],
] as const) {
  test(`a refusal in the middle of ${what} is what the sender hears, and nothing more is read`, async () => {
    const read = { count: 0 }
    await using server = await until({ offers }, async (peer) => {
      await peer.arrived(10_000)
      peer.say('552 5.3.4 Too much')
      peer.socket.pause()
      await new Promise((resolve) => peer.socket.once('close', resolve))
    })
    const error = await failureOf(handed(server.port, long(2_000_000, read)))
    assert.equal(told(error), '452 4.3.4 Too much')
    assert.ok(read.count < 1_000)
  })

  test(`a body that cannot be read to its end is never taken for the whole by ${what}`, async () => {
    await using server = await behaving({ offers })
    const message: Message = {
      ...messageOf(),
      body: {
        size: 200_000,
        memory: undefined,
        async *read() {
          yield Buffer.from(line.repeat(1_000))
          throw new Error('the file is gone')
        },
      },
    }
    await assert.rejects(handed(server.port, message), /the file is gone/)
    await server.closed()
    assert.deepEqual(server.contents, [])
  })
}

test('a reply of success before the end of DATA is nonsense', async () => {
  await using server = await until({}, async (peer) => {
    await peer.arrived(10_000)
    peer.say('250 2.0.0 thanks')
    peer.socket.pause()
    await new Promise((resolve) => peer.socket.once('close', resolve))
  })
  assert.equal(told(await failureOf(handed(server.port, long(2_000_000)))), '451 4.3.0 Internal server error')
})

test('a chunk that is refused fails the message, though the last one has been sent', async () => {
  await using server = await behaving({
    offers: ['CHUNKING', 'PIPELINING'],
    replies: { BDAT: '452 4.3.1 Disk full' },
    verdicts: ['503 5.5.1 No'],
  })
  assert.equal(told(await failureOf(handed(server.port, long(3_000)))), '452 4.3.1 Disk full')
  await server.closed()
})

test('the signal ends the sending of a message', async () => {
  const abort = new AbortController()
  await using server = await until({}, async (peer) => {
    await peer.arrived(10_000)
    abort.abort(new Error('enough'))
    await peer.gone()
  })
  const error = await failureOf(handed(server.port, long(2_000_000), { signal: abort.signal }))
  assert.equal(error.message, 'enough')
  await server.closed()
})

test('commands have their time, whatever the server lets drip', async () => {
  await using server = await scripted(async (peer) => {
    peer.say('220 hello')
    await peer.line()
    peer.say('250 hello')
    await peer.line()
    while (!peer.socket.destroyed) await peer.drip('250-more\r\n')
  })
  const client = await connected(server, { timeouts: brief })
  assert.match(told(await failureOf(client.begin(ann).begun)), /^45[01] /)
})

for (const offers of [[], ['CHUNKING'], ['CHUNKING', 'PIPELINING']]) {
  test(`a reply too many is not taken for the acceptance of a message (${offers.join(', ') || 'DATA'})`, async () => {
    await using server = await behaving({
      offers,
      replies: { 'RCPT TO:<cid@b.example>': '250 2.1.5 ok\r\n250 2.1.5 ok' },
      verdicts: ['554 5.7.1 Spam'],
    })
    assert.equal(told(await failureOf(handed(server.port, messageOf()))), '451 4.3.0 Internal server error')
  })
}
