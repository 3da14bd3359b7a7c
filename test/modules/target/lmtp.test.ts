import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Accounts, type Accounts as AccountsType } from '../../../core/index.ts'
import { behaving } from '../../kit/smtp_client/scripted.ts'
import { serve } from '../../support/server.ts'
import { all, bytes, select } from '../storage/support.ts'
import { mistakes, relaying } from './support.ts'

const to = (port: number) => `lmtp tcp://127.0.0.1:${port}`
const two = ['b@to.example', 'c@to.example']

test('a message goes by LMTP, in the clear unless something else is said', async () => {
  await using next = await behaving({ offers: ['STARTTLS'] })
  await using relay = await relaying(to(next.port))
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
  await next.closed()
  assert.deepEqual(next.seen, ['LHLO mx.test', 'MAIL FROM:<a@from.example>', 'RCPT TO:<b@to.example>', 'DATA', 'QUIT'])
})

test('a client of LMTP hears of each recipient what the next server says of it', async () => {
  await using next = await behaving({ verdicts: ['250 2.0.0 b has it', '452 4.2.2 c is full'] })
  await using relay = await relaying(to(next.port), { endpoint: 'lmtp' })
  assert.deepEqual((await relay.send(two)).slice(2), [
    '250 2.0.0 <b@to.example> OK: queued',
    '452 4.2.2 <c@to.example> c is full',
  ])
})

test('a client of LMTP hears it when all recipients fail, each in its own words', async () => {
  await using next = await behaving({ verdicts: ['550 5.2.0 b', '452 4.2.2 c'] })
  await using relay = await relaying(to(next.port), { endpoint: 'lmtp' })
  assert.deepEqual((await relay.send(two)).slice(2), ['550 5.2.0 <b@to.example> b', '452 4.2.2 <c@to.example> c'])
})

test('a client of SMTP hears the words about the recipient that failed', async () => {
  await using next = await behaving({ verdicts: ['250 2.0.0 ok', '501 5.1.3 Whoever'] })
  await using relay = await relaying(to(next.port))
  assert.equal((await relay.send(two)).at(-1), '501 5.1.3 Whoever')
})

test('recipients whose verdict never comes are to be tried again', async () => {
  await using next = await behaving({ verdicts: ['250 2.0.0 ok', 'nonsense'] })
  await using relay = await relaying(to(next.port), { endpoint: 'lmtp' })
  assert.deepEqual((await relay.send(two)).slice(2), [
    '250 2.0.0 <b@to.example> OK: queued',
    '451 4.3.0 <c@to.example> Internal server error',
  ])
})

test('a server that speaks no LMTP is none', async () => {
  await using next = await behaving({ replies: { LHLO: '500 5.5.1 What?' } })
  await using relay = await relaying(to(next.port))
  assert.deepEqual(await relay.send(), ['500 5.5.1 What?'])
})

test('tsmaddy hands mail to the mailboxes of tsmaddy over a Unix socket', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-lmtp-'))
  await using held = new AsyncDisposableStack()
  held.defer(() => rm(directory, { recursive: true, force: true }))
  await using mailboxes = await serve(`
    storage.imapsql local {
      driver sqlite3
      dsn mail.db
      msg_store sql
    }
    lmtp unix://${directory}/lmtp.sock {
      hostname next.test
      deliver_to &local
    }`)
  const storage = await mailboxes.find<AccountsType>('local', Accounts)
  await storage.create('b@to.example', [])
  await using relay = await relaying(`lmtp unix://${directory}/lmtp.sock`)
  const replies = await relay.send(['b@to.example', 'nobody@to.example'])
  assert.match(replies[0] ?? '', /^250 /)
  assert.match(replies[1] ?? '', /^501 5\.1\.1 /)
  assert.equal(replies[2], '250 2.0.0 OK: queued')
  await using box = await select(storage, 'b@to.example', 'INBOX')
  const [message] = await Array.fromAsync(box.messages(all, {}))
  assert.ok(message)
  const content = await bytes(await box.content(message.uid))
  assert.match(
    content,
    /Received: .* by next\.test .*with\s+LMTP.*Received: .* by mx\.test .*Subject: x\r\n\r\nhello\r\n$/s,
  )
})

test('a relative Unix socket is one of the runtime directory', async () => {
  await using relay = await relaying('lmtp unix://lmtp.sock')
  await using _ = await behaving({}, join(relay.server.directory, 'run', 'lmtp.sock'))
  assert.equal((await relay.send()).at(-1), '250 2.0.0 OK: queued')
})

test('target.lmtp needs a server', async () => {
  const found = await mistakes('smtp tcp://127.0.0.1:0 {\nhostname x\ntls off\ndeliver_to lmtp {\nhostname x\n}\n}')
  assert.ok(found.includes('target.lmtp: at least one target endpoint is required'), found)
})
