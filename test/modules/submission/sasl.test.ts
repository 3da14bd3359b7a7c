import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { hashNow } from '../../../core/kit/password/format.ts'
import { onPath, run, unless } from '../../scenario/programs.ts'
import { certificate, type TestCertificate } from '../../support/certificates.ts'
import { ScramClient, type ScramClientOptions } from '../../support/scram_client.ts'
import { serve, type TestServer } from '../../support/server.ts'
import { WireClient } from '../../support/wire.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const decoded = (text: string) => Buffer.from(text, 'base64').toString()

let files: Record<string, string>
let ann: TestCertificate

before(async () => {
  const authority = await certificate({ names: ['authority'], authority: true })
  ann = await certificate({ names: ['Ann'], emails: ['ann@ex.test'], issuer: authority })
  files = { 'authority.pem': authority.cert, 'ann.pem': ann.cert, 'ann.key': ann.key }
})

const scramOf = (password: string) => hashNow(password, { hash: 'scram-sha-256', scramIterations: 4096 })
const table = `
  auth.pass_table users {
    table static {
      entry ann@ex.test ${scramOf('secret')}
      entry bob@ex.test "${hashNow('secret', { bcryptCost: 4 })}"
    }
    scram yes
  }`

const start = (more: string, top = table) =>
  serve(
    `${top}
    submission tls://127.0.0.1:0 tcp://127.0.0.1:0 {
      hostname mx.ex.test
      tls self_signed {
        client_ca authority.pem
      }
      ${more}
      deliver_to dummy
    }`,
    { files },
  )

/** A client that has been greeted over TLS, and what both ends of its connection know. */
const greeted = async (server: TestServer, options: ConnectionOptions = {}) => {
  const socket = connect({ host: '127.0.0.1', port: server.port('submission'), rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  const client = new WireClient(socket)
  await client.expect('220 *')
  const keywords = await client.command('EHLO c', '250 *')
  const binding = socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  const [, mechanisms = ''] = /^250-AUTH (.*)$/m.exec(keywords) ?? []
  return { client, binding, mechanisms, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

/** Runs SCRAM up to the last reply, which has to match. */
const scram = async (
  client: WireClient,
  [username, password]: readonly [string, string],
  reply: string,
  { mechanism = 'SCRAM-SHA-256', ...options }: ScramClientOptions & { readonly mechanism?: string } = {},
) => {
  const scram = new ScramClient(username, password, options)
  const challenge = await client.command(`AUTH ${mechanism} ${base64(scram.first)}`, '334 *')
  const final = base64(scram.final(decoded(challenge.slice('334 '.length))))
  if (!reply.startsWith('235')) return void (await client.command(final, reply))
  const verdict = await client.command(final, '334 *')
  assert.ok(scram.trusts(decoded(verdict.slice('334 '.length))), 'the server does not know the password')
  await client.command('', reply)
}

test('SCRAM is offered behind PLAIN and LOGIN, with channel binding where TLS has one', async () => {
  await using server = await start('auth &users\nsasl_login yes')
  await using modern = await greeted(server)
  assert.equal(modern.mechanisms, 'PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS')
  await using old = await greeted(server, { maxVersion: 'TLSv1.2' })
  assert.equal(old.mechanisms, 'PLAIN LOGIN SCRAM-SHA-256')
})

test('SCRAM is not offered beside a provider that cannot do it', async () => {
  await using server = await start('auth &users\nauth dummy')
  await using session = await greeted(server)
  assert.equal(session.mechanisms, 'PLAIN')
  await session.client.command('AUTH SCRAM-SHA-256', '454 4.7.0 unsupported SASL mechanism')
})

test('who logs in by SCRAM may send', async () => {
  await using server = await start('auth &users')
  await using session = await greeted(server)
  await session.client.command('MAIL FROM:<ann@ex.test>', '502 5.7.0 *')
  await scram(session.client, ['Ann@ex.test', 'secret'], '235 2.0.0 Authentication succeeded')
  await session.client.command('AUTH PLAIN', '503 5.5.1 *')
  await session.client.command('MAIL FROM:<ann@ex.test>', '250 *')
})

test('who logs in by SCRAM-SHA-256-PLUS is tied to the TLS connection', async () => {
  await using server = await start('auth &users')
  const mechanism = 'SCRAM-SHA-256-PLUS'
  await using session = await greeted(server)
  const { client, binding } = session
  const flag = 'p=tls-exporter'
  await scram(client, ['ann@ex.test', 'secret'], '535 5.7.8 *', { mechanism, flag, binding: Buffer.from('other') })
  await scram(client, ['ann@ex.test', 'secret'], '235 *', { mechanism, flag, binding })
})

test('a wrong password and a name that is not there are 535, and another try is allowed', async () => {
  await using server = await start('auth &users')
  await using session = await greeted(server)
  await scram(session.client, ['ann@ex.test', 'wrong'], '535 5.7.8 Invalid credentials')
  await scram(session.client, ['eve@ex.test', 'secret'], '535 5.7.8 Invalid credentials')
  await scram(session.client, ['bob@ex.test', 'secret'], '535 5.7.8 Invalid credentials') // kept for PLAIN alone
  await scram(session.client, ['ann@ex.test', 'secret'], '235 *')
  const failures = (await server.log()).match(/authentication failed\t.*"username":"[a-z]*@ex.test"/g)
  assert.equal(failures?.length, 3)
})

test('PLAIN goes on to work for everybody', async () => {
  await using server = await start('auth &users')
  for (const user of ['ann@ex.test', 'bob@ex.test']) {
    await using session = await greeted(server)
    await session.client.command(`AUTH PLAIN ${base64(`\0${user}\0secret`)}`, '235 *')
  }
})

test('SCRAM can be cancelled at each step, and then nobody has logged in', async () => {
  await using server = await start('auth &users')
  await using session = await greeted(server)
  const { client } = session
  const ann = new ScramClient('ann@ex.test', 'secret')
  await client.command('AUTH SCRAM-SHA-256', '334 ')
  await client.command('*', '501 5.0.0 Negotiation cancelled')
  const challenge = await client.command(`AUTH SCRAM-SHA-256 ${base64(ann.first)}`, '334 *')
  await client.command('*', '501 5.0.0 *')
  await client.command(`AUTH SCRAM-SHA-256 ${base64(ann.first)}`, '334 *')
  await client.command('!', '454 4.7.0 Invalid base64 data')
  await client.command(base64(ann.final(decoded(challenge.slice(4)))), '501 5.5.2 *')
  await client.command('MAIL FROM:<ann@ex.test>', '502 5.7.0 *')
})

test('what is no message of SCRAM is 454', async () => {
  await using server = await start('auth &users')
  await using session = await greeted(server)
  await session.client.command(`AUTH SCRAM-SHA-256 ${base64('n,,r=x,n=ann')}`, '454 4.7.0 sasl: invalid response')
  await session.client.command('AUTH SCRAM-SHA-256 =', '454 4.7.0 sasl: invalid response')
  await session.client.command(`AUTH SCRAM-SHA-256 ${base64('n,a=bob,n=ann,r=x')}`, '535 5.7.8 *')
})

test('a table that cannot answer is 454 in SCRAM and in PLAIN, and no failed login', async () => {
  const broken = `
    auth.pass_table users {
      table sql_query {
        driver sqlite3
        dsn :memory:
        lookup "SELECT NULL WHERE $1 = $1"
      }
      scram yes
    }`
  await using server = await start('auth &users', broken)
  await using session = await greeted(server)
  const { client } = session
  await client.command(`AUTH PLAIN ${base64('\0ann@ex.test\0secret')}`, '454 4.7.0 Temporary authentication failure')
  const { first } = new ScramClient('ann@ex.test', 'secret')
  await client.command(`AUTH SCRAM-SHA-256 ${base64(first)}`, '454 4.7.0 Temporary authentication failure')
  assert.doesNotMatch(await server.log(), /authentication failed/)
})

test('a provider that is down keeps out nobody whom the next one knows, and turns no password into a wrong one', async () => {
  const both = `${table}
    auth.pass_table down {
      table sql_query {
        driver sqlite3
        dsn :memory:
        lookup "SELECT NULL WHERE $1 = $1"
      }
      scram yes
    }`
  await using server = await start('auth &down\nauth &users', both)
  await using session = await greeted(server)
  await scram(session.client, ['ann@ex.test', 'wrong'], '454 4.7.0 *')
  await session.client.command(`AUTH PLAIN ${base64('\0ann@ex.test\0wrong')}`, '454 4.7.0 *')
  await scram(session.client, ['ann@ex.test', 'secret'], '235 *')
})

test('EXTERNAL is offered to who shows a certificate that an authority vouches for, and to nobody else', async () => {
  await using server = await start('auth &users\nsasl_external identity')
  await using known = await greeted(server, ann)
  assert.match(known.mechanisms, / EXTERNAL$/)
  await using without = await greeted(server)
  assert.doesNotMatch(without.mechanisms, /EXTERNAL/)
  await without.client.command('AUTH EXTERNAL =', '454 4.7.0 unsupported SASL mechanism')
  const forged = await certificate({ names: ['Ann'], emails: ['ann@ex.test'] })
  await using stranger = await greeted(server, forged)
  assert.doesNotMatch(stranger.mechanisms, /EXTERNAL/)
  await stranger.client.command('AUTH EXTERNAL =', '454 4.7.0 unsupported SASL mechanism')
})

test('EXTERNAL lets in the owner of the certificate, as itself', async () => {
  await using server = await start('auth &users\nsasl_external identity')
  await using session = await greeted(server, ann)
  const { client } = session
  await client.command(`AUTH EXTERNAL ${base64('bob@ex.test')}`, '535 5.7.8 Invalid credentials')
  await client.command('AUTH EXTERNAL', '334 ')
  await client.command('', '235 2.0.0 *')
  await client.command('MAIL FROM:<ann@ex.test>', '250 *')
  assert.match(await server.log(), /authentication failed\t.*authorization identity refused/)
})

test('a certificate that the table does not know is 535', async () => {
  await using server = await start('auth &users\nsasl_external static {\nentry bob@ex.test bob\n}')
  await using session = await greeted(server, ann)
  await session.client.command('AUTH EXTERNAL =', '535 5.7.8 Invalid credentials')
})

test('a certificate shown after STARTTLS counts as well', async () => {
  await using server = await start('auth &users\nsasl_external identity')
  const socket = connectTcp(server.port('submission', 1), '127.0.0.1')
  await using client = new WireClient(socket)
  await client.expect('220 *')
  await client.command('EHLO c', '250 *')
  await client.command('STARTTLS', '220 *')
  await client.startTls(ann)
  assert.match(await client.command('EHLO c', '250 *'), /^250-AUTH PLAIN .* EXTERNAL$/m)
  await client.command(`AUTH EXTERNAL ${base64('ann@ex.test')}`, '235 *')
})

test('sasl_external needs client_ca, and a table of names', async () => {
  const block = (tls: string, external: string) =>
    serve(
      `${table}\nsubmission tcp://127.0.0.1:0 {\nhostname x\ntls ${tls}\nauth &users\n${external}\ndeliver_to dummy\n}`,
      {
        files,
      },
    )
  await assert.rejects(block('self_signed', 'sasl_external identity'), /sasl_external needs client_ca/)
  await assert.rejects(block('off', 'sasl_external identity'), /sasl_external needs client_ca/)
  const tls = 'self_signed {\nclient_ca authority.pem\n}'
  await assert.rejects(block(tls, 'sasl_external &users'), /needs a table of user names, and not of credentials/)
  await assert.rejects(block('self_signed {\nclient_ca ann.key\n}', ''), /no certificates was loaded/)
  await assert.rejects(block('self_signed {\nclient_ca nowhere.pem\n}', ''), /nowhere\.pem cannot be read/)
})

/** Sends a message with curl. Throws with what curl complains of. */
const curl = (server: TestServer, ...more: string[]) =>
  run(
    'curl',
    [
      ...['--silent', '--show-error', '--insecure', '--url', `smtps://127.0.0.1:${server.port('submission')}`],
      ...['--mail-from', 'ann@ex.test', '--mail-rcpt', 'bob@ex.test', '--upload-file', '-'],
      ...['--cert', join(server.directory, 'ann.pem'), '--key', join(server.directory, 'ann.key'), ...more],
    ],
    'From: ann@ex.test\r\n\r\nHello\r\n',
  )

test('curl sends with a certificate and no password', unless('curl'), async () => {
  await using server = await start('auth &users\nsasl_external identity')
  await curl(server, '--user', 'ann@ex.test:', '--login-options', 'AUTH=EXTERNAL')
  await assert.rejects(curl(server, '--user', 'bob@ex.test:', '--login-options', 'AUTH=EXTERNAL'), /Login denied/)
})

const gsasl = onPath('curl') && (await run('curl', ['--version'])).includes('gsasl')

test('curl sends by SCRAM', { skip: gsasl ? false : 'curl is not built with gsasl' }, async () => {
  await using server = await start('auth &users')
  await curl(server, '--user', 'ann@ex.test:secret', '--login-options', 'AUTH=SCRAM-SHA-256')
})
