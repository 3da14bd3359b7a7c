import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { dialImap } from '../../support/imap_wire.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'
import { folder, tsmaddy } from '../../support/process.ts'
import { serve } from '../../support/server.ts'
import { postgresSchemas } from './databases.ts'
import { postgresProcess } from './process.ts'
import { deliver } from './support.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

const endpoints = `imap tcp://127.0.0.1:0 {
  tls off
  auth dummy
  storage &local_mailboxes
}
`

const blocks = (database: string) => `storage.imapsql local_mailboxes {\n${database}\n msg_store sql\n}\n${endpoints}`

const conf = (database: string) => `state_dir state\nruntime_dir run\n${blocks(database)}`

const check = async (text: string, prepare?: (path: string) => Promise<void>) => {
  const place = await folder({ 'tsmaddy.conf': text, 'state/.keep': '' })
  await prepare?.(place.path)
  const { status, stderr } = await tsmaddy(['check', '--database', 'tsmaddy.conf'], { cwd: place.path })
  return { place, status, lines: stderr.trimEnd().replaceAll(place.path, '').split('\n') }
}

test('check --database says that a file of SQLite would be made, and makes none', async () => {
  const { place, status, lines } = await check(conf(' driver sqlite3\n dsn mail.db'))
  await using _ = place
  assert.equal(status, 0)
  assert.deepEqual(lines, [
    'local_mailboxes: /state/mail.db: a start would make the file, which does not exist, with its tables',
    'tsmaddy.conf: no errors',
  ])
  assert.deepEqual(await readdir(join(place.path, 'state')), ['.keep'])
})

test('check --database says what a start would do to a file of maddy, which stays as it is', async () => {
  let before = Buffer.alloc(0)
  const { place, status, lines } = await check(conf(' driver sqlite3\n dsn mail.db'), async (path) => {
    using db = new DatabaseSync(join(path, 'state', 'mail.db'))
    db.exec(`CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (5);
      CREATE TABLE mboxes (name TEXT); INSERT INTO mboxes VALUES ('inbox.x');
      CREATE TABLE msgs (id INTEGER); INSERT INTO msgs VALUES (1), (2)`)
    before = await readFile(join(path, 'state', 'mail.db'))
  })
  await using _ = place
  assert.equal(status, 0)
  assert.deepEqual(lines.slice(0, -1), [
    'local_mailboxes: /state/mail.db: a start would add the column msgs.recent, and so go from schema version 5 to 6',
    'local_mailboxes: /state/mail.db: a start would rename 1 mailbox that only case tells from INBOX',
    "local_mailboxes: /state/mail.db: a start would add tsmaddy's own tables, indexes and triggers beside maddy's",
    'local_mailboxes: /state/mail.db: a start would fill them for 2 messages, and mend flags and counters that known defects left wrong',
  ])
  assert.ok(before.equals(await readFile(join(place.path, 'state', 'mail.db'))))
})

test('check --database finds fault with a database that cannot be used, and with a server that is not there', async () => {
  const newer = await check(conf(' driver sqlite3\n dsn mail.db'), async (path) => {
    using db = new DatabaseSync(join(path, 'state', 'mail.db'))
    db.exec('CREATE TABLE schema_version (version INTEGER); INSERT INTO schema_version VALUES (7)')
  })
  await using _newer = newer.place
  assert.equal(newer.status, 2)
  assert.match(newer.lines.join('\n'), /tsmaddy\.conf:3:1: the database has schema version 7, which is newer than 6/)
  const nobody = await check(conf(' driver postgres\n dsn "host=127.0.0.1 port=1 password=hush sslmode=disable"'))
  await using _nobody = nobody.place
  assert.equal(nobody.status, 2)
  assert.match(nobody.lines.join('\n'), /cannot connect to PostgreSQL at 127\.0\.0\.1:1/)
  assert.doesNotMatch(nobody.lines.join('\n'), /hush/)
})

test('check --database of PostgreSQL says what a start would do, does nothing, and says so when nothing is to be done', async () => {
  await using db = await postgresSchemas(server).make()
  const said = async (): Promise<string[]> => {
    const { place, status, lines } = await check(conf(db.conf))
    await using _ = place
    assert.equal(status, 0)
    return lines.slice(0, -1).map((line) => line.replace(/^.*schema \w+: /, ''))
  }
  assert.deepEqual(await said(), [
    'a start would make the tables of schema version 6',
    "a start would add tsmaddy's own tables, indexes and triggers beside maddy's",
  ])
  assert.deepEqual(
    await db.rows('SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace'),
    [],
  )
  await (await postgresProcess(db.dsn))[Symbol.asyncDispose]()
  assert.deepEqual(await said(), ['nothing would be changed'])
})

test('check without the option does not connect, but reads the DSN', async () => {
  const run = async (dsn: string) => {
    await using place = await folder({ 'tsmaddy.conf': conf(` driver postgres\n dsn ${dsn}`) })
    return await tsmaddy(['check', 'tsmaddy.conf'], { cwd: place.path })
  }
  assert.equal((await run('"host=127.0.0.1 port=1"')).status, 0)
  assert.equal((await run('postgres://u:p@127.0.0.1:1/mail')).status, 0)
  const { status, stderr } = await run('"host=127.0.0.1 port=none password=hush"')
  assert.equal(status, 2)
  assert.match(stderr, /port in the DSN should be a whole number/)
  assert.doesNotMatch(stderr, /hush/)
})

test('the commands for accounts and messages work on PostgreSQL, and a running server tells its clients', async () => {
  await using db = await postgresSchemas(server).make()
  await using running = await serve(blocks(db.conf))
  const storage = await running.find('local_mailboxes', Accounts)
  await using place = await folder({ 'tsmaddy.conf': conf(db.conf) })
  const run = (args: readonly string[], input = '') =>
    tsmaddy(['-config', 'tsmaddy.conf', ...args], { cwd: place.path, input })
  assert.equal((await run(['imap-acct', 'create', 'b@x.org'])).status, 0)
  assert.deepEqual(await storage.list(), ['b@x.org'])
  await using client = await dialImap(running.port('imap'))
  await client.expect('* OK…')
  await client.ok('LOGIN b@x.org any')
  await client.ok('SELECT INBOX')
  client.send('i IDLE\r\n')
  await client.expect('+ …')
  const added = await run(['imap-msgs', 'add', 'b@x.org', 'INBOX'], 'Subject: x\r\n\r\nbody\r\n')
  assert.deepEqual(added, { status: 0, stdout: '1\n', stderr: '' })
  await client.expect('* 1 EXISTS')
  assert.equal((await run(['imap-mboxes', 'rename', 'b@x.org', 'Sent', 'Gone'])).status, 0)
  assert.match((await run(['imap-mboxes', 'list', 'b@x.org'])).stdout, /^Gone\t/m)
  assert.match(
    (await run(['imap-msgs', 'dump', '-uid', 'b@x.org', 'INBOX', '1'])).stdout,
    /^Subject: x\r\n\r\nbody\r\n$/,
  )
})

test('a reload changes the storage while both the old and the new one are at work', async () => {
  await using db = await postgresSchemas(server).make()
  await using running = await serve(blocks(db.conf))
  const before = (await running.find('local_mailboxes', Accounts)) as Parameters<typeof deliver>[0] & Accounts
  await before.create('b@x.org', [])
  const during = deliver(before, ['b@x.org'])
  await running.reload(blocks(`${db.conf}\n junk_mailbox Spam`))
  await during
  const after = (await running.find('local_mailboxes', Accounts)) as typeof before
  assert.notEqual(after, before)
  await deliver(after, ['b@x.org'])
  assert.deepEqual(await db.rows('SELECT msgid FROM msgs'), [[1], [2]])
})
