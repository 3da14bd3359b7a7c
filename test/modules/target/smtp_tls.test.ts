import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { behaving } from '../../kit/smtp_client/scripted.ts'
import { certificate, type TestCertificate } from '../../support/certificates.ts'
import { serve } from '../../support/server.ts'
import { events, relaying } from './support.ts'

let authority: TestCertificate
let own: TestCertificate
let client: TestCertificate
let files: Record<string, string>
/** Where the files are as well, for what takes absolute paths only. */
let directory = ''

before(async () => {
  authority = await certificate({ names: ['authority'], authority: true })
  own = await certificate({ names: ['localhost', '127.0.0.1'], issuer: authority })
  client = await certificate({ names: ['relay'], emails: ['relay@to.example'], issuer: authority })
  files = {
    'ca.pem': authority.cert,
    'own.pem': own.cert,
    'own.key': own.key,
    'client.pem': client.cert,
    'client.key': client.key,
  }
  directory = await mkdtemp(join(tmpdir(), 'tsmaddy-relay-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
})

after(() => rm(directory, { recursive: true, force: true }))

const offers = ['STARTTLS', '8BITMIME']
const trusting = 'tls_client {\nroot_ca ca.pem\n}'

test('TLS is required unless something else is said', async () => {
  await using next = await behaving()
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port}`)
  assert.deepEqual(await relay.send(), ['451 4.3.0 Internal server error'])
  await next.closed()
  assert.deepEqual(next.seen, ['EHLO mx.test', 'QUIT'])
  const [failure] = events(await relay.server.log(), 'RCPT error')
  assert.equal(failure?.reason, 'TLS required but unsupported by downstream')
})

test('mail goes over TLS when the certificate is that of the host, and of an authority that is trusted', async () => {
  await using next = await behaving({ offers, offersSecured: ['8BITMIME'], certificate: own })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\n${trusting}\n}`, { files })
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  assert.deepEqual(next.seen.slice(0, 4), [
    'EHLO mx.test',
    'STARTTLS',
    'EHLO mx.test',
    'MAIL FROM:<a@from.example> BODY=8BITMIME',
  ])
})

test('the tls_client of the top level counts where there is no other', async () => {
  await using next = await behaving({ offers, certificate: own })
  await using relay = await relaying(`smtp tcp://localhost:${next.port}`, { files, top: trusting })
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
})

test('mail does not go to a server whose certificate nobody vouches for', async () => {
  await using next = await behaving({ offers, certificate: own })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port}`)
  assert.deepEqual(await relay.send(), ['451 4.3.0 Internal server error'])
  await next.closed()
  assert.deepEqual(next.seen, ['EHLO mx.test', 'STARTTLS'])
  const [failure] = events(await relay.server.log(), 'RCPT error')
  assert.match(String(failure?.reason), /the TLS handshake failed: .*certificate/)
})

test('mail does not go to a server that shows the certificate of another', async () => {
  const other = await certificate({ names: ['other.example'], issuer: authority })
  await using next = await behaving({ offers, certificate: other })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\n${trusting}\n}`, { files })
  assert.deepEqual(await relay.send(), ['451 4.3.0 Internal server error'])
})

test('a server whose TLS fails gives way to the next', async () => {
  await using bad = await behaving({ offers, certificate: await certificate() })
  await using good = await behaving({ offers, certificate: own })
  const targets = `tcp://127.0.0.1:${bad.port} tcp://127.0.0.1:${good.port}`
  await using relay = await relaying(`smtp ${targets} {\n${trusting}\n}`, { files })
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  assert.equal(good.contents.length, 1)
})

test('STARTTLS that is refused is no reason to go on without', async () => {
  await using next = await behaving({ offers, replies: { STARTTLS: '454 4.7.0 Not now' } })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port}`)
  assert.deepEqual(await relay.send(), ['454 4.7.0 Not now'])
})

test('without starttls, TLS is not begun even where it is offered', async () => {
  await using next = await behaving({ offers, certificate: own })
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\nstarttls no\n}`)
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  assert.ok(!next.seen.includes('STARTTLS'))
})

/** Another tsmaddy, which takes mail for everybody. */
const another = (endpoint: string, directives: string) =>
  serve(
    `hostname next.test
    tls file ${directory}/own.pem ${directory}/own.key {
      client_ca ca.pem
    }
    ${endpoint} {
      ${directives}
      deliver_to dummy
    }`,
    { files },
  )

test('tsmaddy hands mail to tsmaddy over implicit TLS, without a word about STARTTLS', async () => {
  await using next = await another('smtp tls://127.0.0.1:0', '')
  await using relay = await relaying(`smtp tls://127.0.0.1:${next.port('smtp')} {\n${trusting}\n}`, { files })
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  assert.match(await next.log(), /smtp: accepted/)
})

test('tsmaddy logs in at tsmaddy by its certificate', async () => {
  await using next = await another(
    'submission tcp://127.0.0.1:0',
    `sasl_external static {
      entry relay@to.example relay@to.example
    }
    auth dummy`,
  )
  const directives = `auth external
    tls_client {
      root_ca ca.pem
      cert client.pem
      key client.key
    }`
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port('submission')} {\n${directives}\n}`, { files })
  const replies = await relay.send(undefined, { content: 'From: <a@from.example>\r\n\r\nhello\r\n' })
  assert.equal(replies.at(-1), '250 2.0.0 OK: queued')
  assert.equal(events(await next.log(), 'incoming message')[0]?.username, 'relay@to.example')
})

test('a message that requires TLS all the way goes on where the next server offers it', async () => {
  await using next = await another('smtp tcp://127.0.0.1:0', '')
  const target = `smtp tcp://127.0.0.1:${next.port('smtp')} {\n${trusting}\n}`
  await using relay = await relaying(target, { files })
  const replies = await relay.send(undefined, { from: '<a@from.example> REQUIRETLS' })
  assert.equal(replies.at(-1), '250 2.0.0 OK: queued')
})
