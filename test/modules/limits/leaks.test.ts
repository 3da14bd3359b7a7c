import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Check, SmtpError } from '../../../core/index.ts'
import type { WireClient } from '../../support/wire.ts'
import { endpoint, type TestEndpoint } from '../smtp/harness.ts'
import { limitsFrom } from './clock.ts'
import { allFree, limited, slots, someoneWaits, takeAll } from './places.ts'

/** A session up to the end of its message: what is sent, and the reply to it. */
const steps: readonly (readonly [string, string])[] = [
  ['EHLO client.example\r\n', '250 *'],
  ['MAIL FROM:<a@h.example>\r\n', '250 *'],
  ['RCPT TO:<b@h.example>\r\n', '250 *'],
  ['RCPT TO:<550@h.example>\r\n', '550 *'],
  ['RCPT TO:<c@h.example>\r\n', '250 *'],
]
const contents: readonly (readonly (readonly [string, string])[])[] = [
  [
    ['DATA\r\n', '354 *'],
    ['X: y\r\n', ''],
    ['\r\nbody\r\n', ''],
    ['.\r\n', '250 *'],
  ],
  [
    ['BDAT 6\r\nX: y\r\n', '250 *'],
    ['BDAT 4\r\n\r\n', ''],
    ['zz', '250 *'],
    ['BDAT 0 LAST\r\n', '250 *'],
  ],
]

/** How far a client may get. */
const beginnings = contents
  .map((content) => [...steps, ...content])
  .flatMap((script) => [...script.keys(), script.length].map((count) => script.slice(0, count)))

const say = async (client: WireClient, said: typeof steps): Promise<void> => {
  for (const [text, reply] of said) {
    await client.packet(text)
    if (reply !== '') await client.expect(reply)
  }
}

/** How a client, or the server, ends a session. */
const departures: readonly (readonly [string, (client: WireClient, server: TestEndpoint) => void | Promise<void>])[] = [
  ['leaves without a word', (client) => client.destroy()],
  ['closes its side', (client) => client.end()],
  ['says QUIT', (client) => client.send('QUIT\r\n')],
  [
    'begins TLS with what is none',
    async (client) => {
      await client.packet('STARTTLS\r\n')
      client.send('this is no ClientHello\r\n')
      client.end()
    },
  ],
  [
    'leaves when TLS is due',
    async (client) => {
      await client.packet('STARTTLS\r\n')
      client.destroy()
    },
  ],
  ['makes mistakes only', (client) => client.send('WHAT\r\n'.repeat(5))],
  ['sends a line without end', (client) => client.send('x'.repeat(5000))],
  ['is told that the server stops', (_, server) => server.stop.abort()],
]

test('an open transaction has one slot of each', async () => {
  await using all = await limited('defer_sender_reject no')
  await using client = await all.server.greeted()
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await client.command('MAIL FROM:<a@h.example>', '250 *')
  await assert.rejects(allFree(all, 'while it is open'), /while it is open/)
})

/** What may happen while a message waits for something here. */
const interruptions: typeof departures = [
  ...departures.slice(0, 3),
  ['says RSET', (client) => client.send('RSET\r\n')],
  ['is told that the server stops', (_, server) => server.stop.abort()],
]

for (const defer of ['yes', 'no']) {
  describe(`defer_sender_reject ${defer}`, () => {
    for (const [what, leave] of departures) {
      test(`a client that ${what} leaves no slot taken, whatever it has said before`, async () => {
        for (const said of beginnings) {
          await using all = await limited(`defer_sender_reject ${defer}`)
          await using client = await all.server.dial()
          await say(client, said)
          await leave(client, all.server)
          client.end() // what was said may have been content
          await client.rest()
          await Promise.all(all.server.ended)
          await allFree(all, `after ${JSON.stringify(said)}`)
        }
      })
    }

    test('a client that says nothing more leaves no slot taken, whatever it has said before', async () => {
      const silences = beginnings.map(async (said) => {
        await using all = await limited(`defer_sender_reject ${defer}\nread_timeout 1s`)
        await using client = await all.server.dial()
        await say(client, said)
        assert.match(await client.rest(), /421 4\.4\.2 /)
        await Promise.all(all.server.ended)
        await allFree(all, `after ${JSON.stringify(said)}`)
      })
      await Promise.all(silences)
    })

    for (const stage of [
      'connection',
      'sender',
      'recipient',
      'begin',
      'rcpt',
      'message',
      'content',
      'commit',
      'dispose',
    ] as const) {
      for (const [what, leave] of interruptions) {
        test(`nor does one that ${what} while its message waits at ${stage}`, async () => {
          await using all = await limited(`defer_sender_reject ${defer}`)
          const gate = all.places.gates[stage]
          await using client = await all.server.greeted()
          gate.close()
          client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nX: y\r\n\r\n.\r\n')
          await gate.reached.promise
          await leave(client, all.server)
          await new Promise((resolve) => setImmediate(resolve))
          gate.open()
          client.end()
          await client.rest()
          await Promise.all(all.server.ended)
          await allFree(all, stage)
        })
      }

      test(`nor does a message for which ${stage} breaks`, async () => {
        await using all = await limited(`defer_sender_reject ${defer}`)
        all.places.broken = stage
        await using client = await all.server.greeted()
        client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nRSET\r\n')
        for (let reply = 0; reply < 3; reply++) await client.expect('*')
        await allFree(all, 'after RSET')
        client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nBDAT 4 LAST\r\nX: y')
        for (let reply = 0; reply < 3; reply++) await client.expect('*')
        await client.command('RSET', '250 *')
        await allFree(all, 'after the message')
      })
    }

    for (const [what, text, reply] of [
      ['RSET', 'RSET\r\n', '250 *'],
      ['a greeting', 'EHLO again.example\r\n', '250 *'],
      ['a sender who is refused', 'MAIL FROM:<a@refused.example>\r\nRSET\r\n', '*'],
      ['a message that is accepted', 'BDAT 4 LAST\r\nX: y', '250 2.0.0 OK: queued'],
      ['a message with a broken header', 'BDAT 4 LAST\r\nno h', '554 5.0.0 *'],
      ['a message with a bare LF', 'BDAT 5 LAST\r\nX: y\n', '554 5.6.0 *'],
      ['a message that is too big', 'BDAT 99999 LAST\r\n', '552 5.3.4 *'],
      ['a chunk that is too big', `BDAT 99999\r\n${'x'.repeat(99_999)}`, '552 5.3.4 *'],
    ] as const) {
      test(`after ${what} the session goes on, and has no slot`, async () => {
        await using all = await limited(`defer_sender_reject ${defer}`)
        await using client = await all.server.greeted()
        await client.command('MAIL FROM:<a@h.example>', '250 *')
        await client.command('RCPT TO:<b@h.example>', '250 *')
        client.send(what === 'a message that is too big' ? `${text}${'x'.repeat(99_999)}` : text)
        await client.expect(reply)
        await client.command('NOOP', '*')
        await allFree(all, what)
      })
    }

    for (const [what, leave] of departures.slice(0, 3)) {
      test(`a client that ${what} while it waits for a slot takes none with it`, async () => {
        await using all = await limited(`defer_sender_reject ${defer}`)
        const held = await takeAll(all)
        await using client = await all.server.greeted()
        client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\n')
        await someoneWaits(all)
        await leave(client, all.server)
        await new Promise((resolve) => setImmediate(resolve))
        for (const slot of held) slot[Symbol.dispose]()
        client.end()
        await client.rest()
        await Promise.all(all.server.ended)
        await allFree(all, 'after it has left')
      })
    }

    test('a client that is refused for want of a slot takes none with it', async () => {
      await using all = await limited(`defer_sender_reject ${defer}`)
      const held = await takeAll(all)
      await using client = await all.server.greeted()
      client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\n')
      await someoneWaits(all)
      await all.clock.pass(5_000)
      await client.expect(defer === 'yes' ? '250 *' : '451 4.4.5 *')
      await client.expect(defer === 'yes' ? '451 4.4.5 *' : '502 5.5.1 *')
      for (const slot of held) slot[Symbol.dispose]()
      await allFree(all, 'after the refusal')
    })
  })
}

test('a check that refuses at any stage gives the slot back', async () => {
  for (const stage of ['connection', 'sender', 'recipient', 'message'] as const) {
    const { limits, clock } = await limitsFrom(`all concurrency ${slots}`)
    const refusal = { action: 'reject', reason: SmtpError.permanent(550, '5.7.1', 'No') } as const
    const check: Check = { name: 'slow', timeout: 0, begin: () => ({ [stage]: async () => refusal }) }
    await using server = await endpoint(
      'smtp tcp://127.0.0.1:0 {\nhostname mx.h.example\ntls off\nlimits &x\ndefer_sender_reject no\n}',
      { instances: { x: limits }, checks: [check] },
    )
    await using client = await server.greeted()
    client.send('MAIL FROM:<a@h.example>\r\nRCPT TO:<b@h.example>\r\nBDAT 4 LAST\r\nX: yRSET\r\n')
    while (!client.last.endsWith('Session reset')) await client.line()
    using _ = await limits.message('127.0.0.1', '')
    using __ = await limits.message('127.0.0.1', '')
    using ___ = await limits.message('127.0.0.1', '')
    assert.equal(clock.waiting, 0)
  }
})
