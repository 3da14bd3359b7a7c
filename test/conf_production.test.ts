import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { createTransport } from 'nodemailer'
import pg from 'pg'
import { SMTPServer } from 'smtp-server'
import { parseDsn } from '../core/kit/sql/libpq.ts'
import { ApiClient, type Ask } from './modules/rest_api/support.ts'
import { certificate } from './support/certificates.ts'
import { type DnsServer, dnsServer } from './support/dns_server.ts'
import { postgres, type TestPostgres } from './support/postgres.ts'
import { folder, ServerProcess, until } from './support/process.ts'
import { productionEnvironment, productionFile } from './support/production.ts'
import { s3Store, type TestS3 } from './support/s3.ts'

const password = 'correct horse battery'

/** Of this file alone: a server may be that of somebody else. */
const unique = `tsmaddy_test_${randomBytes(6).toString('hex')}`
const [role, credentials, mailboxes] = [unique, `${unique}_credentials`, `${unique}_mailboxes`]

/** What a server of the reference configuration stands on, and what the relay has been given. */
let world: { readonly server: TestPostgres; readonly s3: TestS3; readonly dns: DnsServer; readonly relayed: string[] }
let environment: Record<string, string>
/** Top-level directives, and the reference configuration on free ports of this machine. */
let text: string
let first: Running

const held = new AsyncDisposableStack()

before(async () => {
  const server = held.use(await postgres())
  await query(server, `CREATE ROLE ${role} LOGIN PASSWORD 'db-secret'`)
  held.defer(() => query(server, `DROP ROLE ${role}`).then(() => {}))
  for (const name of [credentials, mailboxes]) {
    await query(server, `CREATE DATABASE ${name} OWNER ${role}`)
    held.defer(() => query(server, `DROP DATABASE ${name} WITH (FORCE)`).then(() => {}))
  }
  const s3 = held.use(await s3Store())
  const dns = held.use(
    await dnsServer({
      'example.net': { MX: ['10 mx.example.net'], TXT: ['v=spf1 ip4:127.0.0.1 -all'] },
      'mx.example.net': { A: ['127.0.0.1'] },
    }),
  )
  const place = held.use(await folder())
  const { cert, key } = await certificate({ names: ['mx.example.org', '127.0.0.1'] })
  const [certFile, keyFile] = [join(place.path, 'cert.pem'), join(place.path, 'key.pem')]
  await writeFile(certFile, cert)
  await writeFile(keyFile, key)
  const relayed: string[] = []
  const relay = new SMTPServer({
    cert,
    key,
    onAuth: ({ username, password }, _session, done) =>
      username === 'relay-user' && password === 'relay-secret' ? done(null, { user: username }) : done(new Error('no')),
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk) => chunks.push(chunk))
      stream.on('end', () => {
        relayed.push(Buffer.concat(chunks).toString('latin1'))
        done()
      })
    },
  })
  await once(relay.listen(0, '127.0.0.1'), 'listening')
  held.defer(() => new Promise((resolve) => relay.close(resolve)))
  world = { server, s3, dns, relayed }
  const { host, port } = connection(server)
  environment = {
    ...(await productionEnvironment()),
    ...{ TLS_CERT: certFile, TLS_KEY: keyFile, DB_HOST: host, DB_PORT: String(port), DB_USER: role },
    ...{ DB_PASSWORD: 'db-secret', DB_NAME: credentials, MAILBOXES_DB_NAME: mailboxes },
    ...{ S3_ENDPOINT: s3.endpoint, S3_SECURE: 'no', S3_ACCESS_KEY: 'access', S3_SECRET_KEY: 'secret' },
    ...{ RELAY_HOST: '127.0.0.1', RELAY_PORT: String((relay.server.address() as AddressInfo).port) },
    ...{ MADDY_PORT: '0', REQUESTS_PER_SECOND: '1000' },
  }
  const reference = (await readFile(productionFile, 'utf8')).replaceAll(/0\.0\.0\.0:\d+/g, '127.0.0.1:0')
  text = `state_dir state\nruntime_dir run\ntls_client {\n    root_ca ${certFile}\n}\n${reference}`
  first = await start()
})

after(() => held.disposeAsync())

const connection = (server: TestPostgres) => {
  const given = parseDsn(server.dsn())
  const [host = '127.0.0.1', port = '5432', user, password] = ['host', 'port', 'user', 'password'].map((name) =>
    given.get(name),
  )
  return { host, port: Number(port), user, password, database: given.get('dbname') }
}

/** Runs a statement as the superuser. */
const query = async (server: TestPostgres, sql: string, database?: string): Promise<unknown[][]> => {
  const client = new pg.Client({ ...connection(server), ...(database && { database }) })
  await client.connect()
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}

interface Running {
  readonly process: ServerProcess
  readonly ports: { readonly smtp: number; readonly submission: number; readonly imap: number }
  readonly api: ApiClient
}

/** One more process of the same configuration and environment, in a folder of its own. */
const start = async (): Promise<Running> => {
  const args = ['-config', 'tsmaddy.conf', '-debug.dnsoverride', world.dns.address, 'run']
  const process = held.use(await ServerProcess.fresh({ 'tsmaddy.conf': text }, { args, env: environment }))
  const ports = (await process.status()).listeners.map(({ port }) => port)
  const [smtp = 0, submission = 0, , , imap = 0, rest = 0] = ports
  return { process, ports: { smtp, submission, imap }, api: new ApiClient(rest) }
}

const login: Ask = { login: { email: 'admin@example.org', password: 'admin-secret' } }

/** Makes a user with mailboxes over the REST API. */
const user = async (name: string): Promise<string> => {
  const username = `${name}@example.org`
  const made = await first.api.post('/v1/users', { username, password, createMailboxes: true }, login)
  assert.equal(made.status, 201, made.text)
  return username
}

/** Brings a message from another server. Rejects with what the server says. */
const bring = async ({ ports }: Running, to: string, subject: string): Promise<void> => {
  const transport = createTransport({ host: '127.0.0.1', port: ports.smtp, tls: { rejectUnauthorized: false } })
  try {
    await transport.sendMail({ from: 'friend@example.net', to, subject, text: 'Hello.' })
  } finally {
    transport.close()
  }
}

const readMail = async ({ ports }: Running, name: string): Promise<{ readonly client: ImapFlow } & Disposable> => {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: ports.imap,
    secure: true,
    auth: { user: name, pass: password },
    tls: { rejectUnauthorized: false },
    logger: false,
  })
  client.on('error', () => {})
  await client.connect()
  return { client, [Symbol.dispose]: () => client.close() }
}

test('a user made over the REST API receives mail, whose body lies in S3, and reads it over IMAP', async () => {
  const ann = await user('ann')
  const before = new Set(await world.s3.keys())
  await bring(first, ann, 'first')
  assert.equal(new Set(await world.s3.keys()).difference(before).size, 1)
  using session = await readMail(first, ann)
  await session.client.mailboxOpen('INBOX')
  const message = await session.client.fetchOne('1', { source: true })
  const source = (message ? message.source : undefined)?.toString('latin1') ?? ''
  assert.match(source, /^Authentication-Results: mx\.example\.org;\s+spf=pass /m)
  assert.match(source, /\r\n\r\nHello\.\r\n$/)
})

test('mail of a user leaves through the relay, which is logged in to, signed with the key in the database', async () => {
  const bob = await user('bob')
  const { submission } = first.ports
  const transport = createTransport({
    host: '127.0.0.1',
    port: submission,
    requireTLS: true,
    auth: { user: bob, pass: password },
    tls: { rejectUnauthorized: false },
  })
  await transport.sendMail({ from: bob, to: 'friend@example.net', subject: 'out', text: 'Hello.' })
  transport.close()
  const sent = world.relayed.find((message) => message.includes('Subject: out'))
  assert.ok(sent)
  const [[name, value] = []] = await query(
    world.server,
    "SELECT key::json->>'dnsName', key::json->>'dnsValue' FROM dkim_keys WHERE domain = 'example.org'",
    credentials,
  )
  const { results } = await dkimVerify(Buffer.from(sent, 'latin1'), {
    resolver: async (asked: string) => {
      assert.equal(asked, name)
      return [[String(value)]]
    },
  })
  assert.deepEqual(
    results.map(({ signingDomain, status }) => [signingDomain, status.result]),
    [['example.org', 'pass']],
  )
})

test('a message over the quota of its domain is refused at RCPT', async () => {
  const carl = await user('carl')
  await bring(first, carl, 'fits')
  await first.api.ask('PUT', '/v1/users/carl@example.org/quota', { body: { quotaBytes: 100 }, ...login })
  await assert.rejects(bring(first, carl, 'too much'), /552 5\.2\.2 Mailbox quota exceeded/)
})

test('a message that one process takes wakes a session on another', async () => {
  const dora = await user('dora')
  const second = await start()
  using session = await readMail(second, dora)
  await session.client.mailboxOpen('INBOX')
  let exists = 0
  session.client.on('exists', ({ count }) => {
    exists = count
  })
  const idle = session.client.idle()
  await bring(first, dora, 'news')
  await until(async () => exists === 1, 'the message in the other process')
  session.client.close()
  await idle.catch(() => undefined)
})

test('a server whose database is away ends with status 1, so that it is started again', async () => {
  await using place = await folder({ 'tsmaddy.conf': text })
  const env = { ...environment, DB_PORT: '1' }
  await using server = ServerProcess.spawn(place.path, { args: ['-config', 'tsmaddy.conf', 'run'], env })
  assert.equal(await server.ended(), 1)
})

test('a server whose environment is wrong ends with status 2, so that it is not', async () => {
  await using place = await folder({ 'tsmaddy.conf': text })
  const env = { ...environment, S3_SECURE: 'perhaps' }
  await using server = ServerProcess.spawn(place.path, { args: ['-config', 'tsmaddy.conf', 'run'], env })
  assert.equal(await server.ended(), 2)
})
