import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { ImapRefusal } from '../../bench/load/imap_client.ts'
import { SmtpClient, SmtpRefusal } from '../../bench/load/smtp_client.ts'
import { dotStuffed, everyMessage, login, mailServer, messageOf, seeded, user } from '../../scenario/support.ts'
import { postgres } from '../../support/postgres.ts'
import { until } from '../../support/process.ts'
import { type Fault, s3Store, type TestS3 } from '../../support/s3.ts'
import { serve } from '../../support/server.ts'

const megabyte = 1024 * 1024

/** A whole server that keeps bodies in a bucket, a sender and a reader of the first account. */
const mail = async ({ accounts = 1, compression = 'off' } = {}, ...directives: readonly string[]) => {
  await using stack = new AsyncDisposableStack()
  const s3 = stack.use(await s3Store())
  const conf = mailServer({ accounts, store: `s3 {\n${s3.conf(...directives)}\n}\n  compression ${compression}` })
  const server = stack.use(await serve(conf))
  for (let n = 1; n <= accounts; n++) stack.use(await login(server.port('imap'), `user${n}@example.test`))
  const reader = stack.use(await login(server.port('imap')))
  const sender = stack.use(await SmtpClient.open(server.port('smtp')))
  await sender.expect('EHLO client.example', 250)
  const db = new DatabaseSync(join(server.directory, 'imapsql.db'))
  stack.defer(() => db.close())
  const held = stack.move()
  return {
    s3,
    server,
    reader,
    conf,
    /** The reader has been told of the message, too. */
    async deliver(content: string, ...to: string[]) {
      await deliver(sender, content, ...to)
      await reader.ok('NOOP')
    },
    column: (sql: string) =>
      db
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)[0]),
    execute: (sql: string) => db.exec(sql),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const deliver = async (sender: SmtpClient, content: string, ...to: string[]): Promise<void> => {
  await sender.expect('MAIL FROM:<sender@example.org>', 250)
  for (const each of to.length > 0 ? to : [user]) await sender.expect(`RCPT TO:<${each}>`, 250)
  await sender.expect('DATA', 354)
  sender.wire.send(`${dotStuffed(content)}.\r\n`)
  const reply = await sender.reply()
  if (reply.code !== 250) throw new SmtpRefusal('end of data', reply)
}

const refusedWith = (code: number) => (error: unknown) => error instanceof SmtpRefusal && error.reply.code === code

for (const compression of ['off', 'zstd', 'lz4']) {
  test(`with compression ${compression}, messages of any size are fetched from the bucket as they were delivered`, async () => {
    await using made = await mail({ compression })
    const sent = [1000, 200_000, 3 * megabyte, 12 * megabyte].map((size, n) => messageOf(`${n}@s3.example`, size))
    for (const content of sent) await made.deliver(content)
    const fetched = await everyMessage(made.reader)
    assert.deepEqual(
      fetched.map(({ content }) => content.length),
      sent.map((content) => content.length),
    )
    assert.ok(fetched.every(({ content }, n) => content === sent[n]))
    assert.deepEqual(made.column('SELECT DISTINCT compressalgo FROM msgs'), [compression === 'off' ? '' : compression])
    assert.deepEqual((await made.s3.keys()).sort(), made.column('SELECT id FROM extkeys ORDER BY id'))
    const part = (await made.reader.ok('UID FETCH 3 BODY.PEEK[]<2000000.100>')).find(({ text }) => /FETCH/.test(text))
    const trace = fetched[2]?.trace.length ?? 0
    assert.equal(part?.literals[0]?.toString(), sent[2]?.slice(2_000_000 - trace, 2_000_100 - trace))
  })
}

test('a message for many accounts has a blob for each', async () => {
  await using made = await mail({ accounts: 20 })
  const all = Array.from({ length: 20 }, (_, n) => `user${n + 1}@example.test`)
  const content = messageOf('all@s3.example')
  await made.deliver(content, ...all)
  assert.equal((await made.s3.keys()).length, 20)
  for (const account of all) {
    using reader = await login(made.server.port('imap'), account)
    const [message] = await everyMessage(reader)
    assert.equal(message?.content, content)
    assert.match(message?.trace ?? '', new RegExp(`^Delivered-To: ${account}\r\n`))
  }
})

test('a store may be a block of its own, and two blocks of one bucket have their connections in common', async () => {
  await using s3 = await s3Store()
  const block = (name: string, prefix: string) =>
    `storage.blob.s3 ${name} {\n${s3.conf(`object_prefix ${prefix}`)}\n}\n`
  const other = 'storage.imapsql other {\n driver sqlite3\n dsn other.db\n msg_store &second\n}\n'
  const conf = block('first', 'a/') + block('second', 'b/') + other + mailServer({ store: '&first' })
  await using server = await serve(conf.replace('storage &local_mailboxes', 'storage &other'))
  assert.equal(s3.asked.filter(({ method }) => method === 'HEAD').length, 1)
  using reader = await login(server.port('imap'))
  await reader.ok('LIST "" *')
  reader.wire.send(`b1 APPEND INBOX {5+}\r\nA: b\n\r\n`)
  assert.equal((await reader.end('b1')).status, 'OK')
  assert.match((await s3.keys()).join(), /^b\/[0-9a-f]{32}$/)
})

test('a delivery is acknowledged once its blob is there, and keeps nobody from working until then', async () => {
  await using made = await mail()
  await made.deliver(messageOf('1@s3.example'))
  made.s3.fault = ({ method }) => (method === 'PUT' ? 'hang' : undefined)
  const asked = made.s3.asked.length
  let acknowledged = false
  const delivery = made.deliver(messageOf('2@s3.example')).then(() => {
    acknowledged = true
  })
  await until(async () => made.s3.asked.length > asked, 'the blob')
  // The mailbox that the message goes to is not locked.
  await made.reader.ok('STORE 1 +FLAGS (\\Flagged)')
  assert.deepEqual(made.column('SELECT count(*) FROM msgs'), [1])
  assert.equal(acknowledged, false)
  made.s3.fault = () => undefined
  made.s3.release()
  await delivery
  assert.equal((await made.s3.keys()).length, 2)
  assert.deepEqual(made.column('SELECT count(*) FROM msgs'), [2])
})

const outages: readonly (readonly [string, Fault])[] = [
  ['answers 500', { status: 500, code: 'InternalError' }],
  ['asks to slow down', { status: 503, code: 'SlowDown' }],
  ['refuses', { status: 403, code: 'AccessDenied' }],
  ['does not answer', 'hang'],
  ['resets connections', 'reset'],
]

for (const [what, fault] of outages) {
  test(`while the store ${what}, deliveries are deferred and messages cannot be read, and afterwards all is well`, async () => {
    await using made = await mail({}, 'request_timeout 500ms')
    const [first, second] = [messageOf('1@s3.example'), messageOf('2@s3.example')]
    await made.deliver(first)
    made.s3.fault = () => fault
    await assert.rejects(made.deliver(second), refusedWith(451))
    const unavailable = (error: unknown) => error instanceof ImapRefusal && /^\[UNAVAILABLE\]/.test(error.answer.text)
    await assert.rejects(made.reader.ok('FETCH 1 BODY.PEEK[]'), unavailable)
    await assert.rejects(made.reader.ok('SEARCH BODY word'), unavailable)
    made.reader.wire.send('b1 APPEND INBOX {5+}\r\nA: b\n\r\n')
    assert.equal((await made.reader.end('b1')).status, 'NO')
    await made.reader.ok('FETCH 1 (FLAGS ENVELOPE RFC822.SIZE)')
    made.s3.fault = () => undefined
    made.s3.release()
    await made.deliver(second)
    assert.deepEqual(
      (await everyMessage(made.reader)).map(({ content }) => content),
      [first, second],
    )
  })
}

test('an answer that breaks off in the middle of a message is gone on with', async () => {
  await using made = await mail()
  const content = messageOf('1@s3.example', 3 * megabyte)
  await made.deliver(content)
  const cuts = [500_000, 1_000_000, 10]
  made.s3.fault = ({ method, key }) => {
    const cut = method === 'GET' && key !== '' ? cuts.shift() : undefined
    return cut === undefined ? undefined : { cut }
  }
  assert.ok((await everyMessage(made.reader))[0]?.content === content)
  assert.deepEqual(cuts, [])
})

for (const [what, size, compression] of [
  ['small', 1000, 'off'],
  ['large', 2 * megabyte, 'off'],
  ['large compressed', 2 * megabyte, 'zstd'],
] as const) {
  test(`a ${what} message whose object is missing cannot be read, other messages can, and the log has its key`, async () => {
    await using made = await mail({ compression })
    for (const n of [1, 2, 3]) await made.deliver(messageOf(`${n}@s3.example`, size))
    const [key] = made.column('SELECT extbodykey FROM msgs WHERE msgid = 2') as [string]
    await made.s3.remove(key)
    await assert.rejects(
      made.reader.ok('UID FETCH 2 BODY.PEEK[]'),
      (error) => error instanceof ImapRefusal && error.answer.status === 'NO',
    )
    const answer = await made.reader.end(made.reader.begin('UID FETCH 1:3 BODY.PEEK[]'))
    assert.equal(answer.status, 'NO')
    const uids = answer.untagged.map(({ text }) => /UID (\d+)/.exec(text)?.[1]).filter(Boolean)
    assert.deepEqual(uids, ['1', '3'])
    assert.match(await made.server.log(), new RegExp(key))
  })
}

test('of what is acknowledged nothing is lost and nothing is doubled, whatever goes wrong with the store', async () => {
  await using made = await mail({}, 'request_timeout 100ms')
  const random = seeded(5)
  const faults: readonly Fault[] = [{ status: 500, code: 'InternalError' }, 'reset', 'deaf', 'hang']
  made.s3.fault = ({ method }) =>
    method === 'PUT' && random() < 0.6 ? faults[Math.floor(random() * faults.length)] : undefined
  const acknowledged = new Set<string>()
  let deferred = 0
  const work = async (worker: number) => {
    using sender = await SmtpClient.open(made.server.port('smtp'))
    await sender.expect('EHLO client.example', 250)
    for (let n = 0; n < 12; n++) {
      const id = `${worker}.${n}@s3.example`
      try {
        await deliver(sender, messageOf(id, 3000))
        acknowledged.add(id)
      } catch (error) {
        if (!refusedWith(451)(error)) throw error
        deferred++
      }
    }
  }
  await Promise.all([1, 2, 3, 4, 5, 6].map(work))
  made.s3.fault = () => undefined
  await made.reader.ok('NOOP')
  assert.ok(acknowledged.size > 0 && deferred > 0, `${acknowledged.size} acknowledged, ${deferred} deferred`)
  const stored = await everyMessage(made.reader)
  assert.deepEqual(stored.map(({ id }) => id).sort(), [...acknowledged].sort())
  assert.ok(stored.every(({ id, content }) => content === messageOf(id, 3000)))
})

/** Makes everything look two days old, and has the server look for what is left behind. */
const twoDaysLater = async (made: Awaited<ReturnType<typeof mail>>, s3: TestS3): Promise<void> => {
  const before = Date.now() - 48 * 60 * 60 * 1000
  for (const key of await s3.keys()) s3.dates.set(key, new Date(before))
  made.execute(`UPDATE tsmaddy_leases SET alive = ${before}`)
  await made.server.reload(made.conf.replace('compression', 'junk_mailbox Spam\n  compression'))
}

test('a blob whose delivery was deferred because nothing was known of it is removed later, and no other', async () => {
  await using made = await mail()
  await made.deliver(messageOf('1@s3.example'))
  const kept = await made.s3.keys()
  made.s3.fault = ({ method }) => (method === 'PUT' ? 'deaf' : undefined)
  await assert.rejects(made.deliver(messageOf('2@s3.example')), refusedWith(451))
  made.s3.fault = () => undefined
  assert.equal((await made.s3.keys()).length, 2)
  const foreign = 'f'.repeat(32)
  await made.s3.put(foreign, 'of another server')
  await twoDaysLater(made, made.s3)
  await until(async () => (await made.s3.keys()).length === 2, 'the sweep')
  assert.deepEqual((await made.s3.keys()).sort(), [...kept, foreign].sort())
})

test('a message is expunged though its blob cannot be deleted, and the blob is deleted later', async () => {
  await using made = await mail({}, 'request_timeout 60s')
  await made.deliver(messageOf('1@s3.example'))
  made.s3.fault = ({ method }) => (method === 'DELETE' ? 'hang' : undefined)
  await made.reader.ok('STORE 1 +FLAGS (\\Deleted)')
  await made.reader.ok('EXPUNGE')
  assert.deepEqual(await everyMessage(made.reader), [])
  assert.equal((await made.s3.keys()).length, 1)
  made.s3.fault = ({ method }) => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined)
  made.s3.release()
  await until(async () => /bodies not deleted/.test(await made.server.log()), 'the log')
  made.s3.fault = () => undefined
  await made.server.reload(made.conf.replace('compression', 'junk_mailbox Spam\n  compression'))
  await until(async () => (await made.s3.keys()).length === 0, 'the sweep')
  await until(async () => made.column('SELECT id FROM tsmaddy_doomed').length === 0, 'its end')
})

test('two servers on one PostgreSQL database and one bucket have the same mail', async () => {
  await using database = await postgres()
  await using s3 = await s3Store()
  const dsn = database.dsn(await database.createDatabase())
  const conf = mailServer({ store: `s3 {\n${s3.conf()}\n}\n  compression zstd` }).replace(
    /driver sqlite3\s+dsn imapsql\.db/,
    `driver postgres\n  dsn ${JSON.stringify(dsn)}`,
  )
  await using first = await serve(conf)
  await using second = await serve(conf)
  using reader = await login(second.port('imap'))
  using sender = await SmtpClient.open(first.port('smtp'))
  await sender.expect('EHLO client.example', 250)
  const sent = [messageOf('1@s3.example'), messageOf('2@s3.example', 2 * megabyte)]
  for (const content of sent) await deliver(sender, content)
  await until(async () => {
    await reader.ok('NOOP')
    return (await everyMessage(reader)).length === 2
  }, 'the messages')
  assert.deepEqual(
    (await everyMessage(reader)).map(({ content }) => content),
    sent,
  )
  await reader.ok('STORE 1:2 +FLAGS (\\Deleted)')
  await reader.ok('EXPUNGE')
  assert.deepEqual(await s3.keys(), [])
})
