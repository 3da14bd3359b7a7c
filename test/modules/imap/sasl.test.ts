import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { hashNow } from '../../../core/kit/password/format.ts'
import { run, unless } from '../../scenario/programs.ts'
import { certificate, type TestCertificate } from '../../support/certificates.ts'
import { ImapWire } from '../../support/imap_wire.ts'
import { ScramClient, type ScramClientOptions } from '../../support/scram_client.ts'
import { serve, type TestServer } from '../../support/server.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const decoded = (text: string) => Buffer.from(text, 'base64').toString()

let files: Record<string, string>
let ann: TestCertificate

before(async () => {
  const authority = await certificate({ names: ['authority'], authority: true })
  ann = await certificate({ names: ['Ann'], emails: ['ann@ex.test'], issuer: authority })
  files = { 'authority.pem': authority.cert, 'ann.pem': ann.cert, 'ann.key': ann.key }
})

const kept = hashNow('secret', { hash: 'scram-sha-256', scramIterations: 4096 })
const users = `
  auth.pass_table users {
    table static {
      entry ann@ex.test ${kept}
    }
    scram yes
  }`

const start = (logins: string, top = users) =>
  serve(
    `${top}
    storage.imapsql mailboxes {
      driver sqlite3
      dsn imapsql.db
      msg_store sql
    }
    imap tls://127.0.0.1:0 {
      tls self_signed {
        client_ca authority.pem
      }
      ${logins}
      storage &mailboxes
    }`,
    { files },
  )

const connected = async (server: TestServer, options: ConnectionOptions = {}) => {
  const socket = connect({ host: '127.0.0.1', port: server.port('imap'), rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  const client = new ImapWire(socket)
  return {
    socket,
    client,
    greeting: await client.expect('* OK …'),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Runs SCRAM. Resolves to the tagged response, without its tag. */
const scram = async (
  client: ImapWire,
  [username, password]: readonly [string, string],
  { mechanism = 'SCRAM-SHA-256', ...options }: ScramClientOptions & { readonly mechanism?: string } = {},
): Promise<string> => {
  const scram = new ScramClient(username, password, options)
  const tag = client.nextTag()
  client.send(`${tag} AUTHENTICATE ${mechanism} ${base64(scram.first)}\r\n`)
  const challenge = await client.expect('+ …')
  client.send(`${base64(scram.final(decoded(challenge.slice(2))))}\r\n`)
  const verdict = await client.response()
  if (!verdict.startsWith('+ ')) return verdict.slice(tag.length + 1)
  assert.ok(scram.trusts(decoded(verdict.slice(2))), 'the server does not know the password')
  client.send('\r\n')
  return (await client.response()).slice(tag.length + 1)
}

test('SCRAM opens the mailboxes of the user, and is offered with channel binding', async () => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  assert.match(session.greeting, /AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS\]/)
  assert.match(await scram(session.client, ['Ann@ex.test', 'secret']), /^OK \[CAPABILITY /)
  await session.client.ok('SELECT INBOX')
})

test('SCRAM-SHA-256-PLUS is tied to the connection', async () => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  const binding = session.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const plus = { mechanism: 'SCRAM-SHA-256-PLUS', flag: 'p=tls-exporter' }
  const other = await scram(session.client, ['ann@ex.test', 'secret'], { ...plus, binding: Buffer.from('other') })
  assert.equal(other, 'NO [AUTHENTICATIONFAILED] auth: invalid credentials')
  assert.match(await scram(session.client, ['ann@ex.test', 'secret'], { ...plus, binding }), /^OK /)
})

test('a wrong password and an unknown name are told alike, an authzid of somebody else as that', async () => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  for (const credentials of [['ann@ex.test', 'wrong'] as const, ['eve@ex.test', 'secret'] as const]) {
    assert.equal(await scram(session.client, credentials), 'NO [AUTHENTICATIONFAILED] auth: invalid credentials')
  }
  const first = base64('n,a=bob,n=ann@ex.test,r=x')
  await session.client.check(`AUTHENTICATE SCRAM-SHA-256 ${first}`, 'NO [AUTHORIZATIONFAILED] …')
  assert.match(await scram(session.client, ['ann@ex.test', 'secret']), /^OK /)
})

test('a table that cannot answer is UNAVAILABLE, whatever the mechanism', async () => {
  const broken =
    'auth.pass_table users {\ntable sql_query {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT NULL WHERE $1 = $1"\n}\nscram yes\n}'
  await using server = await start('auth &users\nsasl_login yes', broken)
  await using session = await connected(server)
  const { client } = session
  await client.check('LOGIN ann@ex.test secret', 'NO [UNAVAILABLE] …')
  await client.check(`AUTHENTICATE PLAIN ${base64('\0ann@ex.test\0secret')}`, 'NO [UNAVAILABLE] …')
  await client.check(`AUTHENTICATE SCRAM-SHA-256 ${base64('n,,n=ann@ex.test,r=x')}`, 'NO [UNAVAILABLE] …')
})

test('SCRAM that is broken off, or is no base64, is BAD, and nobody has logged in', async () => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  const { client } = session
  for (const answer of ['*', '!']) {
    client.send(`a AUTHENTICATE SCRAM-SHA-256 ${base64('n,,n=ann@ex.test,r=x')}\r\n`)
    await client.expect('+ …')
    client.send(`${answer}\r\n`)
    await client.expect('a BAD …')
  }
  await client.check('SELECT INBOX', 'NO Not authenticated')
})

test('an answer without end is not read to its end', async () => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  session.client.send('a AUTHENTICATE PLAIN\r\n')
  await session.client.expect('+ …')
  session.client.send(`${'A'.repeat(70_000)}\r\n`)
  await session.client.expect('a BAD Line too long')
  await session.client.check('NOOP', 'OK …')
})

test('EXTERNAL opens the mailboxes of the owner of the certificate, and of nobody else', async () => {
  await using server = await start('auth &users\nsasl_external identity')
  await using session = await connected(server, ann)
  assert.match(session.greeting, / AUTH=EXTERNAL\]/)
  await session.client.check(`AUTHENTICATE EXTERNAL ${base64('bob@ex.test')}`, 'NO [AUTHORIZATIONFAILED] …')
  await session.client.check('AUTHENTICATE EXTERNAL =', 'OK [CAPABILITY …] …')
  await session.client.ok('SELECT INBOX')
  await using without = await connected(server)
  assert.doesNotMatch(without.greeting, /EXTERNAL/)
  await without.client.check('AUTHENTICATE EXTERNAL =', 'NO Unsupported mechanism')
})

test('where there are certificates and no passwords, LOGIN is disabled', async () => {
  await using server = await start('sasl_external identity', '')
  await using session = await connected(server, ann)
  assert.match(session.greeting, / LOGINDISABLED AUTH=EXTERNAL\]/)
  await session.client.check('LOGIN ann@ex.test secret', 'NO Authentication disabled')
  await session.client.check(`AUTHENTICATE EXTERNAL ${base64('ann@ex.test')}`, 'OK …')
  await using without = await connected(server)
  assert.match(without.greeting, / LOGINDISABLED\]/)
})

test('curl reads with a certificate and no password', unless('curl'), async () => {
  await using server = await start('auth &users\nsasl_external identity')
  const pair = ['--cert', join(server.directory, 'ann.pem'), '--key', join(server.directory, 'ann.key')]
  const curl = (user: string) =>
    run('curl', [
      ...['--silent', '--show-error', '--insecure', ...pair, '--user', `${user}:`, '--login-options', 'AUTH=EXTERNAL'],
      `imaps://127.0.0.1:${server.port('imap')}`,
    ])
  assert.match(await curl('ann@ex.test'), /^\* LIST .* INBOX/m)
  await assert.rejects(curl('bob@ex.test'), /Login denied/)
})

test('mbsync reads by SCRAM-SHA-256', unless('mbsync'), async (context) => {
  await using server = await start('auth &users')
  await using session = await connected(server)
  const file = (name: string) => join(server.directory, name)
  await writeFile(file('server.pem'), session.socket.getPeerX509Certificate()?.toString() ?? '')
  await mkdir(file('maildir'))
  const conf = (password: string) => `IMAPAccount server
Host 127.0.0.1
Port ${server.port('imap')}
User ann@ex.test
Pass "${password}"
AuthMechs SCRAM-SHA-256
SSLType IMAPS
CertificateFile ${file('server.pem')}

IMAPStore far
Account server

MaildirStore near
Path ${file('maildir')}/

Channel all
Far :far:
Near :near:
Patterns *
`
  const list = async (password: string) => {
    await writeFile(file('mbsyncrc'), conf(password))
    return run('mbsync', ['-l', '-c', file('mbsyncrc'), 'all'])
  }
  const listed = await list('secret').catch((error: Error) => {
    if (!/mechanism\(s\) not available/.test(error.message)) throw error
  })
  if (listed === undefined) return context.skip('the SASL library of mbsync lacks SCRAM-SHA-256')
  assert.match(listed, /^INBOX$/m)
  await assert.rejects(list('wrong'))
  assert.match(await server.log(), /authentication failed/)
})
