import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../../../core/index.ts'
import { hashNow } from '../../../core/kit/password/format.ts'
import { dialImap, dialImapTls } from '../../support/imap_wire.ts'
import { serve } from '../../support/server.ts'

const stored = hashNow('secret', { hash: 'argon2', argon2Time: 1, argon2Memory: 8 })

/** Accounts that `user@example.org`, `other@example.org` and `mapped` can log in to. */
const around = (endpoint: string, globals = 'tls off') => `
  ${globals}
  auth.pass_table credentials {
    table static {
      entry user@example.org "${stored}"
      entry other@example.org "${stored}"
      entry mapped "${stored}"
    }
  }
  storage.imapsql mailboxes {
    driver sqlite3
    dsn imapsql.db
    msg_store sql
  }
  ${endpoint}`

const plain = (more = '') => `imap tcp://127.0.0.1:0 {
    auth &credentials
    storage &mailboxes
    ${more}
  }`

const dial = async (port: number) => {
  const client = await dialImap(port)
  await client.expect('* OK …')
  return client
}

const logIn = async (port: number, name = 'user@example.org') => {
  const client = await dial(port)
  await client.check(`LOGIN ${name} secret`, 'OK …')
  return client
}

test('with TLS off logins are allowed, and LOGIN as a mechanism only where it is asked for', async () => {
  await using server = await serve(around(`${plain()}\n${plain('sasl_login yes')}`))
  await using first = await dial(server.port('imap'))
  assert.match((await first.ok('CAPABILITY')).join(), / AUTH=PLAIN$/)
  await first.check('LOGIN user@example.org secret', 'OK …')
  await using second = await dial(server.port('imap', 1))
  assert.match((await second.ok('CAPABILITY')).join(), / AUTH=PLAIN AUTH=LOGIN$/)
})

test('a warning is logged where passwords pass in the clear to all the world', async () => {
  await using server = await serve(around(plain().replace('127.0.0.1', '0.0.0.0')))
  assert.match(await server.log(), /passwords are accepted over connections that are not encrypted/)
})

test('a tls:// address without certificates is a mistake in the configuration', async () => {
  const conf = around(plain().replace('tcp:', 'tls:'))
  await assert.rejects(
    serve(conf),
    (error) => error instanceof ConfigError && /tls:\/\/127.0.0.1:0 needs tls/.test(error.message),
  )
})

test('an endpoint without storage, or without a word on TLS, is a mistake', async () => {
  await assert.rejects(serve(around(plain().replace('storage &mailboxes', ''))), /imap needs storage/)
  await assert.rejects(serve(around(plain(), '')), /tls/)
})

test('tls:// and STARTTLS use the certificates of the top level', async () => {
  const both = plain().replace('tcp://127.0.0.1:0', 'tcp://127.0.0.1:0 tls://127.0.0.1:0')
  await using server = await serve(around(both, 'tls self_signed'))
  await using first = await dial(server.port('imap'))
  await first.check('LOGIN user@example.org secret', 'NO [PRIVACYREQUIRED] …')
  await first.check('STARTTLS', 'OK …')
  await first.startTls()
  await first.check('LOGIN user@example.org secret', 'OK …')
  await using second = await dialImapTls(server.port('imap', 1))
  await second.expect('* OK …')
  await second.check('LOGIN user@example.org secret', 'OK …')
})

test('storage_map chooses the account, and names without an entry are refused', async () => {
  const map = `storage_map static {
      entry user@example.org shared
      entry other@example.org shared
    }`
  await using server = await serve(around(plain(map)))
  await using first = await logIn(server.port('imap'))
  await first.ok('CREATE seen')
  await using second = await logIn(server.port('imap'), 'OTHER@example.org')
  await second.check('LIST "" seen', '* LIST (…) "." "seen"', 'OK …')
  await using third = await dial(server.port('imap'))
  await third.check('LOGIN mapped secret', 'NO [AUTHENTICATIONFAILED] Invalid credentials')
})

test('auth_map changes the name that is verified, and not the account', async () => {
  const map = `auth_map static {
      entry a@example.org mapped
      entry b@example.org mapped
    }`
  await using server = await serve(around(plain(map)))
  await using first = await logIn(server.port('imap'), 'a@example.org')
  await first.ok('CREATE mine')
  await using second = await logIn(server.port('imap'), 'b@example.org')
  await second.check('LIST "" mine', 'OK …')
})

test('the account is that of the name as sent, whichever way it was told', async () => {
  const map = 'sasl_login yes\nauth_map static {\nentry a@example.org mapped\n}'
  await using server = await serve(around(plain(map)))
  await using first = await logIn(server.port('imap'), 'a@example.org')
  await first.ok('CREATE mine')
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  await using second = await dial(server.port('imap'))
  await second.check(`AUTHENTICATE PLAIN ${base64('\0A@example.org\0secret')}`, 'OK …')
  await second.check('LIST "" mine', '* LIST (…) "." "mine"', 'OK …')
  await using third = await dial(server.port('imap'))
  third.send(`a AUTHENTICATE LOGIN\r\n`)
  await third.expect('+ …')
  third.send(`${base64('a@example.org')}\r\n`)
  await third.expect('+ …')
  third.send(`${base64('secret')}\r\n`)
  await third.expect('a OK …')
  await third.check('LIST "" mine', '* LIST (…) "." "mine"', 'OK …')
})

test('a wrong password is logged as fail2ban wants it', async () => {
  await using server = await serve(around(plain()))
  await using client = await dial(server.port('imap'))
  await client.check('LOGIN user@example.org wrong', 'NO [AUTHENTICATIONFAILED] …')
  assert.match(
    await server.log(),
    /imap: authentication failed.*"src_ip":"127\.0\.0\.1:\d+".*"username":"user@example\.org"/,
  )
})

test('a PROXY header of a trusted proxy names the client', async () => {
  await using server = await serve(around(plain('proxy_protocol 127.0.0.1')))
  await using client = await dialImap(server.port('imap'))
  client.send('PROXY TCP4 192.0.2.7 192.0.2.1 5555 143\r\n')
  await client.expect('* OK …')
  await client.check('LOGIN user@example.org wrong', 'NO …')
  assert.match(await server.log(), /"src_ip":"192\.0\.2\.7:5555"/)
})

test('a PROXY header of anybody else is swallowed, and the session is that of its own address', async () => {
  await using server = await serve(around(plain('proxy_protocol ::1')))
  await using client = await dialImap(server.port('imap'))
  client.send('PROXY TCP4 192.0.2.7 192.0.2.1 5555 143\r\n')
  await client.expect('* OK …')
  await client.check('LOGIN user@example.org wrong', 'NO …')
  const log = await server.log()
  assert.match(log, /PROXY header from an untrusted peer ignored/)
  assert.match(log, /"src_ip":"127\.0\.0\.1:\d+","username"/)
})

test('with TLS from the first octet the PROXY header comes before it', async () => {
  const endpoint = plain('proxy_protocol 127.0.0.1').replace('tcp:', 'tls:')
  await using server = await serve(around(endpoint, 'tls self_signed'))
  await using client = await dialImap(server.port('imap'))
  await client.packet('PROXY TCP4 192.0.2.7 192.0.2.1 5555 143\r\n')
  await client.startTls()
  await client.expect('* OK …')
  await client.check('LOGIN user@example.org secret', 'OK …')
})

test('a session goes on over a reload that leaves its storage and providers alone', async () => {
  await using server = await serve(around(plain()))
  await using client = await logIn(server.port('imap'))
  await client.ok('SELECT INBOX')
  client.send('a IDLE\r\n')
  await client.expect('+ idling')
  await server.reload(around(plain('io_errors yes')))
  await using other = await logIn(server.port('imap'))
  await other.append('INBOX', 'Subject: x\r\n\r\nbody\r\n')
  await client.expect('* 1 EXISTS')
  await client.expect('* 1 RECENT')
  client.send('DONE\r\n')
  await client.expect('a OK …')
})

test('when the server ends, sessions hear of it', async () => {
  const server = await serve(around(plain()))
  await using client = await logIn(server.port('imap'))
  const ended = server[Symbol.asyncDispose]()
  assert.equal(await client.rest(), '* BYE Server shutting down\r\n')
  await ended
})

test('an address has only so many connections at once, and another place as soon as one is closed', async () => {
  await using server = await serve(around(plain('max_connections_per_address 2')))
  await using _ = await dial(server.port('imap'))
  {
    await using second = await dial(server.port('imap'))
    await using third = await dialImap(server.port('imap'))
    await third.expect('* BYE [LIMIT] Too many connections from your address')
    await second.check('LOGOUT', '* BYE …', 'OK …')
  }
  await using again = await dial(server.port('imap'))
  await again.ok('NOOP')
})

test('an account has only so many connections at once; others are served', async () => {
  await using server = await serve(around(plain('max_connections_per_user 1')))
  await using _ = await logIn(server.port('imap'))
  await using second = await dial(server.port('imap'))
  await second.check('LOGIN user@example.org secret', 'NO [LIMIT] Too many connections of this account')
  await second.check('LOGIN other@example.org secret', 'OK …')
})
