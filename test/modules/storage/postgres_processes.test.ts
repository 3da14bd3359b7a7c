import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { AccountChange, MailboxChange } from '../../../core/index.ts'
import { SmtpError } from '../../../core/index.ts'
import { connectClient, findPostgres } from '../../../core/kit/sql/postgres_server.ts'
import { fromPayload, payloadsOf } from '../../../modules/storage/imapsql/updates/notices.ts'
import { imapServer } from '../../support/imap_server.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'
import { cuttingProxy } from './cutting_proxy.ts'
import type { TestDatabase } from './databases.ts'
import { postgresSchemas } from './databases.ts'
import { checkMail, killAgainAndAgain } from './killing.ts'
import type { Process } from './process.ts'
import { postgresProcess } from './process.ts'
import { account, all, collector, deliver, select, simple } from './support.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

/** A database that several processes meet over. */
const meeting = async () => {
  const db = await postgresSchemas(server).make()
  return { db, enter: () => postgresProcess(db.dsn), [Symbol.asyncDispose]: () => db[Symbol.asyncDispose]() }
}

/** A process of the test that listens as maddy does. */
const listen = async ({ dsn }: TestDatabase, channel: string) => {
  const { config } = await findPostgres(dsn, { path: (written) => written, env: {} })
  const client = await connectClient(config)
  const heard = collector<string>()
  client.on('notification', ({ payload = '' }) => heard.add(payload))
  await client.query(`LISTEN ${channel}`)
  return { ...heard, [Symbol.asyncDispose]: () => client.end() }
}

test('fifty deliveries at once from two processes to one mailbox have unique, ascending UIDs, and are all counted', async () => {
  await using place = await meeting()
  await using first = await place.enter()
  await using second = await place.enter()
  await first.storage.create('b@x.org', [])
  const told = collector<MailboxChange>()
  await using inbox = await select(first.storage, 'b@x.org')
  inbox.listen(told.add)
  await Promise.all(
    Array.from({ length: 50 }, (_, n) => deliver((n % 2 === 0 ? first : second).storage, ['b@x.org'], simple(`s${n}`))),
  )
  const uids = await place.db.rows('SELECT msgid FROM msgs ORDER BY msgid')
  const expected = Array.from({ length: 50 }, (_, n) => n + 1)
  assert.deepEqual(uids.flat(), expected)
  assert.deepEqual(await place.db.rows('SELECT uidnext, msgscount FROM mboxes'), [[51, 50]])
  const arrived = (): number[] => told.told.flatMap((change) => (change.type === 'arrived' ? [...change.uids] : []))
  await told.until(() => arrived().length >= 50)
  assert.deepEqual(arrived(), expected)
})

test('deliveries of two processes to the same accounts, in whatever order, are never in each other’s way', async () => {
  await using place = await meeting()
  await using first = await place.enter()
  await using second = await place.enter()
  const names = ['a@x.org', 'b@x.org', 'c@x.org', 'd@x.org']
  for (const name of names) await first.storage.create(name, [])
  const work = async ({ storage }: Process, order: readonly string[]): Promise<void> => {
    for (let n = 0; n < 10; n++) await deliver(storage, order)
  }
  await Promise.all([
    work(first, names),
    work(second, names.toReversed()),
    work(first, ['d@x.org', 'a@x.org']),
    work(second, ['c@x.org']),
  ])
  const counts = await place.db.rows('SELECT msgscount FROM mboxes ORDER BY id')
  assert.deepEqual(counts.flat(), [30, 20, 30, 30])
})

test('what one process does, a session in another is told', async () => {
  await using place = await meeting()
  await using reading = await place.enter()
  await reading.storage.create('b@x.org', [])
  await using inbox = await select(reading.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  await using writing = await place.enter()
  await deliver(writing.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
  assert.deepEqual(seen.told.splice(0), [{ type: 'arrived', own: false, uids: [1], recent: false }])
  await using other = await select(writing.storage, 'b@x.org')
  await other.store(all, 'add', ['\\Deleted', 'kw;x'])
  await seen.until(({ length }) => length > 0)
  const [flags] = seen.told.splice(0)
  assert.deepEqual(flags?.type === 'flags' && flags.messages[0]?.flags.toSorted(), ['\\Deleted', 'kw;x'])
  await other.expunge()
  await seen.until(({ length }) => length > 0)
  assert.equal(seen.told[0]?.type, 'expunged')
})

test('a message delivered by one process wakes a client in IDLE on another', async () => {
  await using place = await meeting()
  await using reading = await place.enter()
  await using writing = await place.enter()
  await writing.storage.create('b@x.org', [])
  await using imap = await imapServer({ storage: reading.storage })
  await using client = await imap.logIn('b@x.org')
  await client.command('SELECT INBOX')
  client.send('i IDLE\r\n')
  await client.expect('+ …')
  await deliver(writing.storage, ['b@x.org'])
  await client.expect('* 1 EXISTS')
})

test('mailboxes and accounts that change elsewhere are told of too', async () => {
  await using place = await meeting()
  await using reading = await place.enter()
  await reading.storage.create('b@x.org', [{ name: 'a' }])
  const owner = await account(reading.storage, 'b@x.org')
  const seen = collector<AccountChange>()
  using _watching = owner.watch(seen.add)
  await using box = await owner.select('a', { readOnly: false })
  const changes = collector<MailboxChange>()
  box.listen(changes.add)
  const gone = once(owner.gone, 'abort')
  const expelled = once(owner.expelled ?? owner.gone, 'abort')
  {
    // One that leaves at once has said what it did.
    await using tool = await place.enter()
    const same = await account(tool.storage, 'b@x.org')
    await same.create('new')
    await same.rename('a', 'c')
    await same.delete('c')
    await tool.storage.expel('b@x.org')
    await tool.storage.delete('b@x.org')
  }
  await Promise.all([gone, expelled])
  assert.deepEqual(seen.told, [
    { type: 'created', mailbox: 'new' },
    { type: 'renamed', from: 'a', to: 'c' },
    { type: 'deleted', mailbox: 'c' },
  ])
  assert.deepEqual(changes.told, [{ type: 'renamed', name: 'c' }, { type: 'deleted' }])
})

const channelOf = async ({ rows }: TestDatabase): Promise<string> =>
  `tsmaddy_${(await rows('SELECT current_schema()'))[0]?.[0]}`

test('a process whose connection for updates is lost looks what it has missed', async () => {
  await using place = await meeting()
  await using reading = await place.enter()
  await using writing = await place.enter()
  await reading.storage.create('b@x.org', [])
  await using inbox = await select(reading.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  const channel = await channelOf(place.db)
  await place.db.exec(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND query LIKE 'LISTEN%' AND wait_event = 'ClientRead'`)
  await deliver(writing.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
  assert.deepEqual(seen.told, [{ type: 'arrived', own: false, uids: [1], recent: false }])
  // And from then on it hears again.
  await place.db.exec(`UPDATE mboxes SET uidnext = 3; INSERT INTO msgs SELECT mboxid, 2, date, bodylen, 0, bodystructure,
    cachedheader, NULL, 0, '', 0 FROM msgs; SELECT pg_notify('${channel}', '1-else;[[1,1,"INBOX"]]')`)
  await seen.until(({ length }) => length > 1)
})

test('what is no notice is logged, and nothing else comes of it', async () => {
  await using place = await meeting()
  await using reading = await place.enter()
  await reading.storage.create('b@x.org', [])
  const channel = await channelOf(place.db)
  await using inbox = await select(reading.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  for (const payload of ['', 'x', ';', '1-a;{', '1-a;{}', '1-a;[null]', '1-a;[{"type":"oops","account":1}]']) {
    await place.db.exec(`SELECT pg_notify('${channel}', '${payload}'), pg_notify('__uint64_1', '${payload}')`)
  }
  await using writing = await place.enter()
  await deliver(writing.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
  assert.equal(reading.logged.filter((line) => line.startsWith('malformed update')).length, 7)
})

test('a maddy on the same database is told of changes in its own way, and what it tells makes sessions look', async () => {
  await using place = await meeting()
  await using made = await place.enter()
  await made.storage.create('b@x.org', [])
  await using maddy = await listen(place.db, '__uint64_1')
  await deliver(made.storage, ['b@x.org'])
  await using inbox = await select(made.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  await inbox.store(all, 'add', ['\\Seen', 'x'])
  await maddy.until(({ length }) => length >= 2)
  assert.deepEqual(
    maddy.told.map((line) => JSON.parse(line.replace(/^\d+-[^;]+;/, ''))),
    [
      { Type: 0, Key: 1, SeqSet: '1' },
      { Type: 1, Key: 1, SeqSet: '1', NewFlags: ['\\Seen', 'x'] },
    ],
  )
  seen.told.length = 0
  await place.db.exec(`INSERT INTO flags VALUES (1, 1, 'kw');
    SELECT pg_notify('__uint64_1', '99-0xc000;{"Type":1,"Key":1,"SeqSet":"1","NewFlags":["kw"]}')`)
  await seen.until(({ length }) => length > 0)
  assert.equal(seen.told[0]?.type, 'flags')
})

test('a payload is never longer than NOTIFY takes, however much has changed', () => {
  const events = [
    ...Array.from({ length: 3000 }, (_, n) => ({
      ...{ type: 'expunged', account: 1, name: 'x', from: 1, to: 2, origin: 0, uids: [1] },
      mailbox: n + 1_000_000_000,
    })),
    ...Array.from({ length: 100 }, (_, n) => ({ type: 'created', account: n, name: 'ü'.repeat(255) })),
  ] as Parameters<typeof payloadsOf>[1]
  const payloads = payloadsOf('1-tsmaddy-0', events)
  assert.ok(payloads.every((payload) => Buffer.byteLength(payload) < 8000))
  assert.equal(payloads.flatMap((payload) => fromPayload(payload, 'else')).length, 3100)
  assert.deepEqual(fromPayload(payloads[0] ?? '', '1-tsmaddy-0'), [])
})

test('an operation that fails leaves those in the same transaction alone', async () => {
  await using place = await meeting()
  await using made = await place.enter()
  await made.storage.create('b@x.org', [])
  const owner = await account(made.storage, 'b@x.org')
  const work = Array.from({ length: 20 }, (_, n) => owner.create(n % 2 === 0 ? `box ${n}` : 'INBOX'))
  const outcomes = await Promise.allSettled(work)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    work.map((_, n) => (n % 2 === 0 ? 'fulfilled' : 'rejected')),
  )
  assert.equal((await owner.mailboxes()).length, 11)
})

/** Has the next so many messages of a mailbox meet what others who write might be to blame for. */
const failing = ({ exec }: TestDatabase, times: number, state = '40001'): Promise<void> =>
  exec(`CREATE SEQUENCE IF NOT EXISTS failures; SELECT setval('failures', 1);
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF nextval('failures') <= ${times + 1} THEN RAISE EXCEPTION 'forced' USING ERRCODE = '${state}'; END IF;
      RETURN NEW; END $$;
    CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON msgs FOR EACH ROW WHEN (NEW.mboxid = 1) EXECUTE FUNCTION fail()`)

test('a serialisation failure is tried again; one that does not cease is 453, and others go on', async () => {
  await using place = await meeting()
  await using made = await place.enter()
  for (const name of ['a@x.org', 'b@x.org']) await made.storage.create(name, [])
  await failing(place.db, 3)
  await deliver(made.storage, ['a@x.org'])
  await failing(place.db, 1_000_000)
  const [stuck, other] = await Promise.allSettled([
    deliver(made.storage, ['a@x.org']),
    deliver(made.storage, ['b@x.org']),
  ])
  assert.ok(stuck?.status === 'rejected' && stuck.reason instanceof SmtpError)
  assert.deepEqual([stuck.reason.code, stuck.reason.enhanced], [453, '4.3.2'])
  assert.equal(other?.status, 'fulfilled')
  assert.deepEqual((await place.db.rows('SELECT msgscount FROM mboxes ORDER BY id')).flat(), [1, 1])
})

test('what another program keeps locked is waited for, then told as temporary', async () => {
  await using place = await meeting()
  await using made = await postgresProcess(place.db.dsn, { patience: 300 })
  await made.storage.create('a@x.org', [])
  await place.db.exec('BEGIN; UPDATE mboxes SET mark = mark')
  await assert.rejects(deliver(made.storage, ['a@x.org']), { name: 'SmtpError', code: 453, enhanced: '4.3.2' })
  await place.db.exec('ROLLBACK')
  await deliver(made.storage, ['a@x.org'])
  assert.deepEqual((await place.db.rows('SELECT msgscount FROM mboxes')).flat(), [1])
})

/** A database behind a proxy. */
const behindProxy = async (patience = 5000) => {
  await using stack = new AsyncDisposableStack()
  const db = stack.use(await postgresSchemas(server).make())
  const [, port = ''] = / port=(\d+)/.exec(db.dsn) ?? []
  const proxy = stack.use(await cuttingProxy(Number(port)))
  const made = stack.use(await postgresProcess(db.dsn.replace(/ port=\d+/, ` port=${proxy.port}`), { patience }))
  await made.storage.create('b@x.org', [])
  const held = stack.move()
  return { db, proxy, ...made, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const noProxy = process.env.TSMADDY_TEST_POSTGRES !== undefined

for (const cut of ['before', 'after'] as const) {
  test(`when the connection is cut ${cut} a COMMIT has been carried out, the message is there once`, {
    skip: noProxy,
    timeout: 20_000,
  }, async () => {
    await using place = await behindProxy()
    const told = collector<MailboxChange>()
    await using inbox = await select(place.storage, 'b@x.org')
    inbox.listen(told.add)
    for (let n = 1; n <= 3; n++) {
      place.proxy.cutNext(cut)
      await Promise.all(['x', 'y', 'z'].map((subject) => deliver(place.storage, ['b@x.org'], simple(subject))))
      assert.equal(place.proxy.cuts, n)
      assert.deepEqual((await place.db.rows('SELECT count(*), count(DISTINCT msgid) FROM msgs'))[0], [3 * n, 3 * n])
    }
    const uids = told.told.flatMap((change) => (change.type === 'arrived' ? change.uids : []))
    assert.equal(new Set(uids).size, 9)
  })
}

test('when nobody can tell how a COMMIT ended, the sender is asked to try again, and bodies stay', {
  skip: noProxy,
  timeout: 20_000,
}, async () => {
  await using place = await behindProxy(200)
  place.proxy.cutNext('for good')
  await assert.rejects(deliver(place.storage, ['b@x.org']), { name: 'SmtpError', code: 451 })
  assert.deepEqual((await place.db.rows('SELECT count(*) FROM tsmaddy_blobs')).flat(), [1])
  place.proxy.open = true
  await deliver(place.storage, ['b@x.org'])
})

test('while the server cannot be reached clients are told so, and afterwards all goes on', {
  skip: noProxy,
  timeout: 20_000,
}, async () => {
  await using place = await behindProxy(100)
  await deliver(place.storage, ['b@x.org'])
  await using imap = await imapServer({ storage: place.storage })
  await using client = await imap.logIn('b@x.org')
  await client.command('SELECT INBOX')
  place.proxy.open = false
  assert.equal(await codeOf(deliver(place.storage, ['b@x.org'])), 451)
  client.send('a FETCH 1 FLAGS\r\nb STORE 1 +FLAGS (\\Seen)\r\n')
  await client.expect('a NO [UNAVAILABLE] …')
  await client.expect('b NO [UNAVAILABLE] …')
  client.send('c FETCH 1 BODY.PEEK[]\r\n')
  await client.expect('c NO [UNAVAILABLE] …')
  place.proxy.open = true
  await deliver(place.storage, ['b@x.org'])
  while (!(await client.command('NOOP')).some((line) => line.includes('2 EXISTS')));
})

test('a process killed again and again loses no acknowledged message, doubles none and tears none', async () => {
  await using place = await meeting()
  const acknowledged = await killAgainAndAgain(place.db.dsn, '', 'inside', 3)
  assert.ok(acknowledged.size > 20, `${acknowledged.size} acknowledged`)
  await using again = await place.enter()
  await checkMail(again, acknowledged)
  await deliver(again.storage, ['b@x.org'])
})

test('a connection whose row somebody has tidied up gets another one', async () => {
  await using place = await meeting()
  await using made = await place.enter()
  await made.storage.create('b@x.org', [])
  for (let n = 0; n < 3; n++) {
    await place.db.exec('DELETE FROM tsmaddy_done')
    await deliver(made.storage, ['b@x.org'])
  }
  assert.deepEqual((await place.db.rows('SELECT msgscount FROM mboxes')).flat(), [3])
})

test('a server that is stopped and started under load costs no acknowledged message, and doubles none', {
  skip: noProxy,
  timeout: 60_000,
}, async () => {
  if (!server.restart) return
  await using place = await meeting()
  await using first = await place.enter()
  await using second = await place.enter()
  const names = ['a@x.org', 'b@x.org', 'c@x.org']
  for (const name of names) await first.storage.create(name, [])
  await using inbox = await select(first.storage, 'a@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  const acknowledged: string[] = []
  const refused: number[] = []
  let running = true
  const work = async ({ storage }: Process, who: number): Promise<void> => {
    for (let n = 0; running; n++) {
      const subject = `w${who}n${n}`
      await deliver(storage, [names[n % 3] ?? ''], simple(subject)).then(
        () => acknowledged.push(subject),
        (error) => refused.push(SmtpError.from(error).code),
      )
    }
  }
  const workers = Array.from({ length: 12 }, (_, who) => work(who % 2 === 0 ? first : second, who))
  for (let round = 0; round < 2; round++) {
    await until(() => acknowledged.length > 100 * (round + 1))
    await server.restart.stop()
    await delay(50)
    await server.restart.start()
  }
  const before = acknowledged.length
  await until(() => acknowledged.length > before + 100)
  running = false
  await Promise.all(workers)
  assert.deepEqual(
    refused.filter((code) => code < 400 || code > 499),
    [],
  )
  await using again = await postgresProcess(place.db.dsn)
  const found: string[] = []
  for (const name of names) {
    await using box = await select(again.storage, name)
    for (const { header } of await Array.fromAsync(box.messages(all, { header: true }))) {
      found.push(header?.Subject?.[0] ?? '')
    }
    assert.equal((await (await account(again.storage, name)).status('INBOX')).messages, box.snapshot.uids.length)
  }
  assert.equal(new Set(found).size, found.length, 'a message is there twice')
  const lost = acknowledged.filter((subject) => !found.includes(subject))
  assert.deepEqual(lost, [])
  await deliver(second.storage, ['a@x.org'])
  const { uidNext } = await (await account(again.storage, 'a@x.org')).status('INBOX')
  await seen.until((told) => told.some((change) => change.type === 'arrived' && change.uids.includes(uidNext - 1)))
})

/** What a sender is told. */
const codeOf = async (work: Promise<void>): Promise<number> =>
  work.then(
    () => 250,
    (error) => SmtpError.from(error).code,
  )

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await delay(5)
}
