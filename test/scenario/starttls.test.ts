import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { dialImap } from '../support/imap_wire.ts'
import { serve, type TestServer } from '../support/server.ts'
import { dial, type WireClient } from '../support/wire.ts'

const conf = `
  hostname mx.h.example
  tls self_signed
  storage.imapsql mailboxes {
    driver sqlite3
    dsn imapsql.db
    msg_store sql
  }
  smtp tcp://127.0.0.1:0 {
    auth dummy
    insecure_auth yes
    deliver_to dummy
  }
  submission tcp://127.0.0.1:0 {
    auth dummy
    insecure_auth yes
    deliver_to dummy
  }
  lmtp tcp://127.0.0.1:0 {
    tls self_signed
    auth dummy
    insecure_auth yes
    deliver_to dummy
  }
  imap tcp://127.0.0.1:0 {
    auth dummy
    insecure_auth yes
    storage &mailboxes
  }`

let server: TestServer

before(async () => {
  server = await serve(conf)
})

after(() => server[Symbol.asyncDispose]())

const login = `AUTH PLAIN ${Buffer.from('\0evil\0x').toString('base64')}`

/** The octets of what a man in the middle puts behind STARTTLS, into the same packet. */
const injected = (greeting: string): readonly (readonly [string, string])[] => [
  ['a greeting', `${greeting} evil.example\r\n`],
  ['a login', `${greeting} evil.example\r\n${login}\r\n`],
  ['a login without a greeting', `${login}\r\n`],
  ['a login that waits for its answer', 'AUTH PLAIN\r\n'],
  ['a sender and a recipient', 'MAIL FROM:<evil@h.example>\r\nRCPT TO:<evil@h.example>\r\n'],
  ['a message', 'MAIL FROM:<evil@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\nX: evil\r\n\r\n'],
  ['a message that ends', `${greeting} evil\r\nMAIL FROM:<evil@h.example>\r\nRCPT TO:<b@h.example>\r\nDATA\r\n.\r\n`],
  ['a chunk', 'BDAT 1000 LAST\r\n'],
  ['half a command', 'MAIL FROM:<evil@h.'],
  ['a command without its LF', 'QUIT\r'],
  ['half a verb', 'QU'],
  ['a bare LF', '\n'],
  ['another STARTTLS', 'STARTTLS\r\n'],
  ['QUIT', 'QUIT\r\n'],
  ['mistakes', 'WHAT\r\n'.repeat(10)],
  ['a line that never ends', 'x'.repeat(20_000)],
  ['more commands than run in one turn', 'NOOP evil\r\n'.repeat(450)],
]

for (const [kind, greeting] of [
  ['smtp', 'EHLO'],
  ['submission', 'EHLO'],
  ['lmtp', 'LHLO'],
] as const) {
  describe(kind, () => {
    const greeted = async (): Promise<WireClient> => {
      const client = await dial(server.port(kind))
      await client.expect('220 *')
      await client.command(`${greeting} before.example`, '250 *')
      return client
    }

    /** The session is as new: nothing is answered that was not asked over TLS, nobody is known, and all of it works. */
    const isNew = async (client: WireClient) => {
      await client.command('NOOP', '250 2.0.0 I have successfully done nothing')
      await client.command('RCPT TO:<b@h.example>', '502 5.5.1 Missing MAIL FROM command.')
      await client.command('BDAT 0 LAST', '502 5.5.1 Missing RCPT TO command.')
      await client.command('MAIL FROM:<a@h.example>', '502 5.5.1 Please introduce yourself first.')
      await client.command('AUTH PLAIN', '502 5.5.1 Please introduce yourself first.')
      const offers = await client.command(`${greeting} after.example`, '250 *')
      assert.doesNotMatch(offers, /STARTTLS/)
      if (kind === 'submission') await client.command('MAIL FROM:<a@h.example>', '502 5.7.0 Please authenticate first')
      if (kind === 'submission') await client.command('AUTH PLAIN AGEAYg==', '235 *')
      await client.command('MAIL FROM:<a@h.example>', '250 *')
      await client.command('RCPT TO:<b@h.example>', '250 *')
      await client.command('DATA', '354 *')
      await client.command('From: <a@h.example>\r\n\r\n.', '250 2.0.0 *OK: queued')
      await client.command('QUIT', '221 *')
      await client.closed()
    }

    for (const [what, octets] of injected(greeting)) {
      test(`of ${what} behind STARTTLS nothing is carried out`, async () => {
        await using client = await greeted()
        client.send(`STARTTLS\r\n${octets}`)
        await client.expect('220 2.0.0 Ready to start TLS')
        await client.startTls()
        await isNew(client)
        assert.doesNotMatch(await server.log(), /evil/)
      })
    }

    for (const count of [97, 98, 99, 100, 101]) {
      test(`nor of what stands behind STARTTLS as command ${count + 1} of one packet`, async () => {
        await using client = await greeted()
        client.send(`${'NOOP\r\n'.repeat(count)}STARTTLS\r\n${'NOOP\r\n'.repeat(3)}MAIL FROM:<evil@h.example>\r\n`)
        for (let read = 0; read < count; read++) await client.expect('250 2.0.0 *')
        await client.expect('220 2.0.0 Ready to start TLS')
        await client.startTls()
        await isNew(client)
      })
    }

    test('the end of a command over TLS does not complete what was sent in the clear', async () => {
      await using client = await greeted()
      client.send('STARTTLS\r\nMAIL FROM:<evil@h.')
      await client.expect('220 2.0.0 Ready to start TLS')
      await client.startTls()
      await client.command('example>', '501 5.5.2 Bad command')
      await isNew(client)
    })

    for (const [what, lines] of [
      ['greeting', []],
      ['login', ['AUTH PLAIN AGEAYg==']],
      ['sender', ['AUTH PLAIN AGEAYg==', 'MAIL FROM:<before@h.example>']],
      ['recipient', ['AUTH PLAIN AGEAYg==', 'MAIL FROM:<before@h.example>', 'RCPT TO:<b@h.example>']],
      ['chunk', ['AUTH PLAIN AGEAYg==', 'MAIL FROM:<>', 'RCPT TO:<b@h.example>', 'BDAT 6\r\nX: y']],
    ] as const) {
      test(`the ${what} from before STARTTLS is forgotten`, async () => {
        await using client = await greeted()
        for (const line of lines) await client.command(line, '2*')
        await client.command('STARTTLS', '220 2.0.0 Ready to start TLS')
        await client.startTls()
        await isNew(client)
        const incoming = (await server.log()).match(/incoming message.*/g)?.at(-1) ?? ''
        assert.match(incoming, /after\.example/)
        assert.equal(incoming.includes('username'), kind === 'submission')
      })
    }

    test('what follows in the clear once TLS is due ends the connection, and is not carried out', async () => {
      await using client = await greeted()
      await client.command('STARTTLS', '220 2.0.0 Ready to start TLS')
      client.send(`${greeting} evil.example\r\nMAIL FROM:<evil@h.example>\r\n`)
      assert.doesNotMatch(await client.rest(), /250/)
      assert.doesNotMatch(await server.log(), /evil/)
    })

    test('nor is more than a packet holds', async () => {
      await using client = await greeted()
      client.send(`STARTTLS\r\n${'MAIL FROM:<evil@h.example>\r\n'.repeat(8000)}`)
      await client.expect('220 2.0.0 Ready to start TLS')
      assert.doesNotMatch(await client.rest(), /250/)
      assert.doesNotMatch(await server.log(), /evil/)
    })

    test('STARTTLS as the answer to a challenge begins no TLS', async () => {
      await using client = await greeted()
      await client.command('AUTH PLAIN', '334 ')
      await client.command('STARTTLS', '*')
      assert.doesNotMatch(client.last, /^220/)
      await client.command('NOOP', '250 *')
    })
  })
}

describe('imap', () => {
  const plain = Buffer.from('\0evil\0x').toString('base64')

  for (const [what, octets] of [
    ['a login', 'b LOGIN evil x\r\n'],
    ['a login by literals', 'b LOGIN {4+}\r\nevil {1+}\r\nx\r\n'],
    ['a literal that waits', 'b LOGIN {4}\r\n'],
    ['a mechanism', `b AUTHENTICATE PLAIN ${plain}\r\n`],
    ['a mechanism and its answer', `b AUTHENTICATE PLAIN\r\n${plain}\r\n`],
    ['half a command', 'b LOGIN evil'],
    ['a command without its LF', 'b LOGOUT\r'],
    ['LOGOUT', 'b LOGOUT\r\n'],
    ['another STARTTLS', 'b STARTTLS\r\n'],
    ['a bare LF', '\n'],
    ['mistakes', 'b WHAT\r\n'.repeat(50)],
    ['more commands than run in one turn', 'b NOOP\r\n'.repeat(450)],
  ] as const) {
    test(`of ${what} behind STARTTLS nothing is carried out`, async () => {
      await using client = await dialImap(server.port('imap'))
      await client.expect('* OK …')
      client.send(`a STARTTLS\r\n${octets}`)
      await client.expect('a OK …')
      await client.startTls()
      const [offers = ''] = await client.check('CAPABILITY', '* CAPABILITY …', 'OK …')
      assert.match(offers, /AUTH=PLAIN/)
      assert.doesNotMatch(offers, /STARTTLS|LOGINDISABLED/)
      assert.match((await client.command('SELECT INBOX')).join('\n'), /^(?:NO|BAD) /)
      await client.check('LOGIN user@example.org secret', 'OK …')
      await client.ok('SELECT INBOX')
      assert.doesNotMatch(await server.log(), /evil/)
    })
  }

  test('the end of a command over TLS does not complete what was sent in the clear', async () => {
    await using client = await dialImap(server.port('imap'))
    await client.expect('* OK …')
    client.send('a STARTTLS\r\nb LOGIN evil@h.example {1}\r\n')
    await client.expect('a OK …')
    await client.startTls()
    client.send('x\r\n')
    assert.match(await client.response(), /BAD /)
    assert.match((await client.command('SELECT INBOX')).join('\n'), /^(?:NO|BAD) /)
  })

  test('who has logged in cannot begin TLS, so that no login is carried into it', async () => {
    await using client = await dialImap(server.port('imap'))
    await client.expect('* OK …')
    await client.check('LOGIN user@example.org secret', 'OK …')
    await client.check('STARTTLS', 'NO Already authenticated')
    await client.check('NOOP', 'OK …')
  })

  test('what follows in the clear once TLS is due ends the connection, and is not carried out', async () => {
    await using client = await dialImap(server.port('imap'))
    await client.expect('* OK …')
    await client.check('STARTTLS', 'OK …')
    client.send('b LOGIN evil x\r\n')
    assert.doesNotMatch(await client.rest(), /b /)
    assert.doesNotMatch(await server.log(), /evil/)
  })

  test('nor is more than a packet holds', async () => {
    await using client = await dialImap(server.port('imap'))
    await client.expect('* OK …')
    client.send(`a STARTTLS\r\n${'b LOGIN evil x\r\n'.repeat(8000)}`)
    await client.expect('a OK …')
    assert.doesNotMatch(await client.rest(), /b /)
    assert.doesNotMatch(await server.log(), /evil/)
  })
})
