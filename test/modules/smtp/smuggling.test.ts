import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { WireClient } from '../../support/wire.ts'
import { endpoint, type TestEndpoint } from './harness.ts'

const newlines = ['\n', '\r', '\r\n', '\n\r', '\r\r\n', '\r\n\n'] as const
const controls = ['\0', '\0\0', '\x01', '\x08', '\t', '\x0b', '\x0c', '\x1a', ' ', '\x7f', '\x85', '\xa0'] as const

/** The end of data with one of these in any place within it. */
const interspersed = controls.flatMap((control) =>
  [1, 2, 3, 4].map((at) => `\r\n.\r\n`.slice(0, at) + control + `\r\n.\r\n`.slice(at)),
)

/** What an attacker hopes that one server takes for the end of a message, and another does not. */
const ends = [
  ...newlines.flatMap((first) => newlines.flatMap((last) => [`${first}.${last}`, `${first}..${last}`])),
  ...interspersed,
  '\r\n\0.\0\r\n',
  '\r\n.\0.\r\n', // from which dot-unstuffing takes the first dot
  '\r\n.\0\0..\r\n',
  '\r\0\n\0.\0\r\0\n',
  '\n.\n.\n',
  '\r\n...\r\n',
  '\r\n.\r.\r\n',
  '\r\n.\n.\r\n',
  '\r.\n\r\n',
].filter((end) => !end.includes('\r\n.\r\n'))

const smuggled = 'MAIL FROM:<evil@h.example>\r\nRCPT TO:<evil@h.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil\r\n'

/** What makes a server see an end of data: newlines of its own taste around a dot, NULs left out. */
const lenientEnd = /(?:^|\r\n?|\n)\.(?:\r\n?|\n)/

/** The octets that would go on to another server: dots doubled at the start of lines (RFC 5321 §4.5.2). */
const onTheWire = (content: string): string => content.replace(/(?<=^|\r\n)\./g, '..')

const blocks = {
  smtp: 'tls off',
  submission: 'tls off\nauth dummy',
  lmtp: 'tls off',
} as const

for (const kind of ['smtp', 'submission', 'lmtp'] as const) {
  for (const mode of ['refuse', 'normalize'] as const) {
    describe(`${kind}, bare_newlines ${mode}`, () => {
      let server: TestEndpoint
      let client: WireClient

      before(async () => {
        server = await endpoint(
          `${kind} tcp://127.0.0.1:0 {\nhostname mx.h.example\n${blocks[kind]}\nbare_newlines ${mode}\n}`,
        )
        client = await server.greeted()
        if (kind === 'submission') await client.command('AUTH PLAIN AGEAYg==', '235 *')
      })

      after(async () => {
        await client[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      })

      const first = 'From: <a@h.example>\r\n\r\ntext'

      const begin = async () => {
        server.box.delivered.length = 0
        await client.command('MAIL FROM:<a@h.example>', '250 *')
        await client.command('RCPT TO:<b@h.example>', '250 *')
      }

      /** One reply to one message, from its one sender to its one recipient, and nothing in it ends it elsewhere. */
      const isOneMessage = async (shown: string) => {
        const reply = await client.expect('*')
        assert.match(reply, /^(?:250 2\.0\.0 .*OK: queued|554 5\.6\.0 .*Message contains .*)$/, shown)
        if (mode === 'normalize') assert.match(reply, /^250/, shown)
        await client.command('NOOP', '250 2.0.0 I have successfully done nothing')
        const { delivered } = server.box
        assert.equal(delivered.length, reply.startsWith('250') ? 1 : 0, shown)
        for (const { envelope, rcpts, header, body } of delivered) {
          assert.equal(envelope.originalReversePath, 'a@h.example', shown)
          assert.deepEqual(rcpts, ['b@h.example'], shown)
          const wire = onTheWire(`${header}\r\n${body}`)
          assert.match(wire, /Subject: smuggled/, shown)
          assert.doesNotMatch(wire, /\r(?!\n)|(?<!\r)\n/, shown)
          assert.doesNotMatch(wire, lenientEnd, shown)
          assert.doesNotMatch(wire.replaceAll('\0', ''), lenientEnd, shown)
        }
      }

      test('no odd end makes two messages of one', async () => {
        for (const end of ends) {
          await begin()
          await client.command('DATA', '354 *')
          client.send(Buffer.from(`${first}${end}${smuggled}.\r\n`, 'latin1'))
          await isOneMessage(JSON.stringify(end))
        }
      })

      test('nor does one that comes octet by octet', async () => {
        for (const end of ends) {
          await begin()
          await client.command('DATA', '354 *')
          await client.packet(first)
          for (const octet of end) await client.packet(Buffer.from(octet, 'latin1'))
          client.send(`${smuggled}.\r\n`)
          await isOneMessage(JSON.stringify(end))
        }
      })

      test('nor does one in chunks, wherever they are cut', async () => {
        for (const end of ends) {
          const octets = Buffer.from(`${first}${end}${smuggled}`, 'latin1')
          for (let cut = first.length; cut <= first.length + end.length; cut++) {
            const head = Buffer.concat([Buffer.from(`BDAT ${cut}\r\n`), octets.subarray(0, cut)])
            const tail = Buffer.concat([Buffer.from(`BDAT ${octets.length - cut} LAST\r\n`), octets.subarray(cut)])
            await begin()
            client.send(Buffer.concat([head, tail]))
            await client.expect('250 2.0.0 Continue')
            await isOneMessage(`${JSON.stringify(end)} cut at ${cut - first.length}`)
          }
        }
      })

      test('nor does the true end within chunks, wherever they are cut', async () => {
        const end = '\r\n.\r\n'
        const octets = `${first}${end}${smuggled}`
        for (let cut = first.length; cut <= first.length + end.length; cut++) {
          await begin()
          client.send(`BDAT ${cut}\r\n${octets.slice(0, cut)}`)
          await client.expect('250 2.0.0 Continue')
          client.send(`BDAT ${octets.length - cut} LAST\r\n${octets.slice(cut)}`)
          await client.expect('250 2.0.0 *OK: queued')
          await client.command('NOOP', '250 2.0.0 I have successfully done nothing')
          assert.equal(server.box.delivered.length, 1)
          assert.ok(server.box.delivered[0]?.body.includes(end))
          assert.doesNotMatch(onTheWire(server.box.delivered[0]?.body ?? ''), lenientEnd)
        }
      })

      test('an end of data after a chunk is no end of the message, nor does DATA go on with it', async () => {
        await begin()
        client.send(`BDAT ${first.length}\r\n${first}\r\n.\r\nDATA\r\nMAIL FROM:<evil@h.example>\r\n`)
        await client.expect('250 2.0.0 Continue')
        await client.expect('500 5.5.2 *') // an empty line
        await client.expect('501 5.5.2 *') // a dot
        await client.expect('502 5.5.1 DATA not allowed during message transfer')
        await client.expect('502 5.5.1 MAIL not allowed during message transfer')
        assert.equal(server.box.delivered.length, 0)
        await client.command('BDAT 0 LAST', '250 2.0.0 *OK: queued')
        assert.ok(server.box.delivered[0]?.body.endsWith('text'))
      })

      test('commands within the octets of a chunk are content, also where the chunk is refused', async () => {
        const commands = `RSET\r\n${smuggled}.\r\nQUIT\r\n`
        client.send(`BDAT ${commands.length} LAST\r\n${commands}`)
        await client.expect('502 5.5.1 Missing RCPT TO command.')
        await begin()
        client.send(`BDAT ${first.length}\r\n${first}BDAT ${commands.length} LAST\r\n${commands}`)
        await client.expect('250 2.0.0 Continue')
        await client.expect('250 2.0.0 *OK: queued')
        assert.ok(server.box.delivered[0]?.body.endsWith(commands))
      })
    })
  }
}
