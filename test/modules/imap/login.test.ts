import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapServer } from '../../support/imap_server.ts'
import { dialImap } from '../../support/imap_wire.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'
import { tlsOf } from '../../support/tls.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')

test('the greeting on a plain link with TLS at hand offers STARTTLS, and no way to log in', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ settings: { tls: tls.tls, insecureAuth: false } })
  await using client = await dialImap(server.port)
  const greeting = await client.expect('* OK [CAPABILITY IMAP4rev1 LITERAL+ SASL-IR CHILDREN UNSELECT MOVE IDLE …] …')
  assert.match(greeting, / STARTTLS LOGINDISABLED\]/)
  assert.doesNotMatch(greeting, /AUTH=/)
})

test('without TLS a login is refused, and no password asked for', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ settings: { tls: tls.tls, insecureAuth: false } })
  await using client = await server.dial()
  await client.check('LOGIN user secret', 'NO [PRIVACYREQUIRED] Authentication disabled')
  await client.check('AUTHENTICATE PLAIN', 'NO [PRIVACYREQUIRED] Authentication disabled')
})

test('after STARTTLS a login is possible, and what was sent ahead in the clear is not carried out', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ settings: { tls: tls.tls, insecureAuth: false } })
  await using client = await server.dial()
  await client.packet('a STARTTLS\r\nb LOGIN mallory secret\r\nc CREATE injected\r\n')
  await client.expect('a OK Begin TLS negotiation now')
  await client.startTls()
  await client.check('CAPABILITY', '* CAPABILITY …AUTH=PLAIN AUTH=LOGIN', 'OK …')
  await client.check('STARTTLS', 'NO TLS is already active')
  await client.check('LOGIN user secret', 'OK [CAPABILITY …] LOGIN completed')
  assert.deepEqual(await server.storage.list(), ['user'])
})

test('STARTTLS without certificates is refused', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('STARTTLS', 'NO TLS is not available')
})

test('a handshake that is none ends the connection, and the next client is served', async () => {
  await using tls = await tlsOf('tls self_signed')
  await using server = await imapServer({ settings: { tls: tls.tls } })
  await using client = await server.dial()
  await client.check('STARTTLS', 'OK …')
  client.send('a LOGIN user secret\r\n')
  await client.rest()
  await using next = await server.dial()
  await next.check('NOOP', 'OK …')
})

test('LOGIN answers with the capabilities of a user, and happens once', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  const [line] = await client.check('LOGIN "user" secret', 'OK [CAPABILITY IMAP4rev1 …] LOGIN completed')
  assert.doesNotMatch(line ?? '', /AUTH=|STARTTLS/)
  await client.check('LOGIN user secret', 'NO Already authenticated')
  await client.check('AUTHENTICATE PLAIN', 'NO Already authenticated')
  await client.check('STARTTLS', 'NO Already authenticated')
})

test('user name and password may be literals', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  client.send('a LOGIN {4}\r\n')
  await client.expect('+ …')
  client.send('user {6}\r\n')
  await client.expect('+ …')
  client.send('secret\r\n')
  await client.expect('a OK …')
})

test('a wrong password is told as such', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('LOGIN user wrong', 'NO [AUTHENTICATIONFAILED] Invalid credentials')
  await client.check(
    `AUTHENTICATE PLAIN ${base64('\0user\0wrong')}`,
    'NO [AUTHENTICATIONFAILED] auth: invalid credentials',
  )
  await client.check('LOGIN user secret', 'OK …')
})

test('a provider that is down is no wrong password', async () => {
  const verify = async (): Promise<never> => {
    throw new Error('connection refused')
  }
  const exchange = () => ({ step: verify })
  await using server = await imapServer({ settings: { login: { mechanisms: ['PLAIN'], verify, exchange } } })
  await using client = await server.dial()
  for (const command of ['LOGIN user secret', `AUTHENTICATE PLAIN ${base64('\0user\0secret')}`]) {
    const [line] = await client.check(command, 'NO [UNAVAILABLE] …')
    assert.doesNotMatch(line ?? '', /refused/)
  }
})

test('a storage that is down is no wrong password', async () => {
  class Down extends MemoryStorage {
    override open(): Promise<never> {
      return Promise.reject(new Error('disk on fire'))
    }
  }
  await using server = await imapServer({ storage: new Down() })
  await using client = await server.dial()
  await client.check('LOGIN user secret', 'NO [UNAVAILABLE] internal server error')
  assert.ok(server.lines.some(({ event }) => event === 'account could not be opened'))
})

test('a name without an entry in storage_map is refused like a wrong password', async () => {
  await using server = await imapServer({ settings: { accountName: async () => undefined } })
  await using client = await server.dial()
  await client.check('LOGIN user secret', 'NO [AUTHENTICATIONFAILED] Invalid credentials')
})

test('names that map to one account see the same mailboxes', async () => {
  await using server = await imapServer({ settings: { accountName: async (name) => name.split('@')[0] } })
  await using first = await server.logIn('user@a.example')
  await using second = await server.logIn('user@b.example')
  await first.ok('CREATE shared')
  assert.match((await second.ok('LIST "" shared')).join(), /shared/)
})

test('a first login finds INBOX and nothing else', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('LIST "" *', '* LIST (\\HasNoChildren) "." INBOX', 'OK …')
})

test('PLAIN comes with an initial response or after a challenge', async () => {
  await using server = await imapServer()
  await using first = await server.dial()
  await first.check(`AUTHENTICATE PLAIN ${base64('\0user\0secret')}`, 'OK [CAPABILITY …] …')
  await using second = await server.dial()
  second.send('a authenticate plain\r\n')
  await second.expect('+ ')
  second.send(`${base64('user\0user\0secret')}\r\n`)
  await second.expect('a OK …')
})

test('LOGIN as a mechanism asks for the name and the password', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  client.send('a AUTHENTICATE LOGIN\r\n')
  await client.expect('+ …')
  client.send(`${base64('user')}\r\n`)
  await client.expect('+ …')
  client.send(`${base64('secret')}\r\n`)
  await client.expect('a OK …')
})

test('to act as someone else is refused', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check(`AUTHENTICATE PLAIN ${base64('other\0user\0secret')}`, 'NO …')
  await client.check('NOOP', 'OK …')
})

test('an empty initial response to PLAIN is refused and leaves the connection usable', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('AUTHENTICATE PLAIN =', 'NO …')
  await client.check('LOGIN user secret', 'OK …')
})

test('an exchange that is broken off or is no base64 is BAD', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  client.send('a AUTHENTICATE PLAIN\r\n')
  await client.expect('+ ')
  client.send('*\r\n')
  await client.expect('a BAD …')
  await client.check('NOOP', 'OK …')
  await client.check('AUTHENTICATE PLAIN !!!', 'BAD …')
})

test('a mechanism that is not offered is refused', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('AUTHENTICATE CRAM-MD5', 'NO Unsupported mechanism')
})

test('commands before login are told to log in', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  for (const command of ['SELECT INBOX', 'LIST "" *', 'IDLE', 'FETCH 1 FLAGS', 'ENABLE X', 'COMPRESS DEFLATE']) {
    await client.check(command, 'NO Not authenticated')
  }
  await client.check('ID NIL', '* ID ("name" "tsmaddy")', 'OK …')
})

test('LOGOUT says BYE, then OK, and closes', async () => {
  await using server = await imapServer()
  await using client = await server.dial()
  await client.check('LOGOUT', '* BYE …', 'OK LOGOUT completed')
  assert.equal(await client.rest(), '')
})
