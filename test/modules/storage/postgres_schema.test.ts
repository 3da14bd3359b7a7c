import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'
import { instance } from '../../support/server.ts'
import type { TestDatabase } from './databases.ts'
import { postgresSchemas } from './databases.ts'
import { postgresProcess } from './process.ts'
import type { SqlStorage } from './support.ts'
import { account, all, bytes, deliver, select, simple } from './support.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

/** The tables of maddy 0.9 as its documentation of the schema has them. */
const tables = (version: number): string => `
  CREATE TABLE schema_version (version INTEGER NOT NULL);
  INSERT INTO schema_version VALUES (${version});
  CREATE TABLE users (id BIGSERIAL NOT NULL PRIMARY KEY, username VARCHAR(255) NOT NULL UNIQUE,
    msgsizelimit INTEGER DEFAULT NULL, inboxId BIGINT DEFAULT 0);
  CREATE TABLE mboxes (id BIGSERIAL NOT NULL PRIMARY KEY,
    uid INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, name VARCHAR(255) NOT NULL,
    sub INTEGER NOT NULL DEFAULT 1, mark INTEGER NOT NULL DEFAULT 0, msgsizelimit INTEGER DEFAULT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1, uidvalidity BIGINT NOT NULL, specialuse VARCHAR(255) DEFAULT NULL,
    msgsCount INTEGER NOT NULL DEFAULT 0, UNIQUE(uid, name));
  CREATE TABLE extKeys (id VARCHAR(255) PRIMARY KEY NOT NULL, uid BIGINT NOT NULL, refs INTEGER NOT NULL DEFAULT 1);
  CREATE TABLE msgs (mboxId BIGINT NOT NULL REFERENCES mboxes(id) ON DELETE CASCADE, msgId BIGINT NOT NULL,
    date BIGINT NOT NULL, bodyLen INTEGER NOT NULL, mark INTEGER NOT NULL DEFAULT 0, bodyStructure BYTEA NOT NULL,
    cachedHeader BYTEA NOT NULL, extBodyKey VARCHAR(255) DEFAULT NULL REFERENCES extKeys(id) ON DELETE RESTRICT,
    seen INTEGER NOT NULL DEFAULT 0, compressAlgo VARCHAR(255)
    ${version > 5 ? ', recent INTEGER NOT NULL DEFAULT 1' : ''}, PRIMARY KEY(mboxId, msgId));
  CREATE TABLE flags (mboxId BIGINT NOT NULL, msgId BIGINT NOT NULL, flag VARCHAR(255) NOT NULL,
    FOREIGN KEY (mboxId, msgId) REFERENCES msgs(mboxId, msgId) ON DELETE CASCADE, UNIQUE (mboxId, msgId, flag));
  CREATE UNIQUE INDEX extKeys_uid_id ON extKeys(uid, id);
  CREATE INDEX seen_msgs ON msgs(mboxId, seen);`

/** And the fork's, as it makes them when its REST API starts. */
const forkTables = ['domain', 'user']
  .map(
    (kind) => `CREATE TABLE ${kind}_quotas (id BIGSERIAL PRIMARY KEY,
      ${kind === 'user' ? 'username' : 'domain'} VARCHAR(255) NOT NULL UNIQUE, quota_bytes BIGINT NOT NULL DEFAULT 0,
      created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP);`,
  )
  .join('\n')

const body = 'Subject: hi\r\nFrom: A <a@example.net>\r\n\r\nold mail\r\n'
const key = 'f00d'.repeat(8)
const structure =
  '{"MIMEType":"text","MIMESubType":"plain","Params":null,"Id":"","Description":"","Encoding":"","Size":10,"Parts":null,' +
  '"Envelope":null,"BodyStructure":null,"Lines":1,"Extended":true,"Disposition":"","DispositionParams":null,' +
  '"Language":null,"Location":null,"MD5":""}'
const header = '{"From":["A \\u003ca@example.net\\u003e"],"Subject":["hi"]}'

/** Two messages of one account, which share a body, with what maddy's known defects leave behind. */
const rows = `
  INSERT INTO users VALUES (7, 'b@x.org', 12345, 11);
  INSERT INTO mboxes VALUES (11, 7, 'INBOX', 1, 0, NULL, 9, 4000000000, NULL, 5), (12, 7, 'Sent', 0, 0, NULL, 1, 17, '\\Sent', 0);
  SELECT setval('users_id_seq', 7), setval('mboxes_id_seq', 12);
  INSERT INTO extKeys VALUES ('${key}', 7, 1), ('${'dead'.repeat(8)}', 7, 3);
  INSERT INTO msgs (mboxId, msgId, date, bodyLen, bodyStructure, cachedHeader, extBodyKey, seen, compressAlgo) VALUES
    (11, 3, 1700000000, ${body.length}, convert_to('${structure}', 'UTF8'), convert_to('${header}', 'UTF8'), '${key}', 0, ''),
    (11, 8, 1700000001, ${body.length}, convert_to('${structure}', 'UTF8'), convert_to('${header}', 'UTF8'), '${key}', 1, '');
  INSERT INTO flags VALUES (11, 3, '\\seen'), (11, 3, '\\SEEN'), (11, 3, ''), (11, 3, 'kw'), (11, 8, '\\Flagged');`

const adopt = async (prepare: string) => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'messages'))
  await writeFile(join(directory, 'messages', key), body)
  const db = stack.use(await postgresSchemas(server).make())
  await db.exec(prepare)
  const held = stack.move()
  /** The storage on it, until it is disposed of. */
  const once = async (store = `fs ${directory}/messages`) => {
    const conf = `storage.imapsql local {\n${db.conf}\n msg_store ${store}\n}`
    const made = await instance(Accounts, conf)
    return {
      storage: made.api as SqlStorage,
      directory: made.directory,
      [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
    }
  }
  const start = async (store?: string) => held.use(await once(store)).storage
  return { db, once, start, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** Everything there is in a schema, its rows included. */
const dump = async ({ rows: read }: TestDatabase): Promise<string> => {
  const tablesThere = await read('SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1')
  const catalog = await read(`SELECT relname, relkind, relfilenode FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace ORDER BY relname`)
  const content = await Promise.all(
    tablesThere.flat().map((table) => read(`SELECT t.*, xmin FROM ${table} t ORDER BY t`)),
  )
  return JSON.stringify([catalog, content], (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

test('a database of maddy opens with the same names, UIDs, flags, dates and content', async () => {
  await using old = await adopt(tables(6) + forkTables + rows)
  const storage = await old.start()
  const owner = await account(storage, 'b@x.org')
  assert.deepEqual(await owner.mailboxes(), [
    { id: 11, name: 'INBOX', subscribed: true, specialUse: undefined },
    { id: 12, name: 'Sent', subscribed: false, specialUse: '\\Sent' },
  ])
  assert.equal(await owner.ownAppendLimit(), 12345)
  await using inbox = await select(storage, 'b@x.org')
  assert.deepEqual([inbox.uidValidity, inbox.snapshot.uids, inbox.snapshot.uidNext], [4_000_000_000, [3, 8], 9])
  const messages = await Array.fromAsync(inbox.messages(all, { header: true, structure: true }))
  assert.deepEqual(
    messages.map(({ uid, flags, modseq, internalDate, size }) => [uid, flags.toSorted(), modseq, internalDate, size]),
    [
      [3, ['\\Seen', 'kw'], 1, 1_700_000_000_000, body.length],
      [8, ['\\Flagged'], 1, 1_700_000_001_000, body.length],
    ],
  )
  assert.deepEqual(messages[0]?.header, { From: ['A <a@example.net>'], Subject: ['hi'] })
  assert.equal(messages[0]?.structure?.Lines, 1)
  assert.equal(await bytes(await inbox.content(8)), body)
  assert.deepEqual(inbox.snapshot.keywords, ['kw'])
})

test('counters of an adopted database are filled, and what its defects left is mended', async () => {
  await using old = await adopt(tables(6) + rows)
  await using made = await old.once()
  const owner = await account(made.storage, 'b@x.org')
  const status = await owner.status('INBOX')
  assert.deepEqual([status.messages, status.unseen, status.recent, status.size], [2, 1, 2, 2 * body.length])
  assert.equal((await made.storage.usage('b@x.org'))?.usedBytes, 2 * body.length)
  assert.deepEqual(await old.db.rows('SELECT msgid, seen FROM msgs ORDER BY msgid'), [
    [3, 1],
    [8, 0],
  ])
  assert.deepEqual(await old.db.rows('SELECT id, refs FROM extkeys'), [[key, 2]])
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store([{ first: 3, last: 3 }], 'add', ['\\Deleted'])
  await inbox.expunge()
  assert.equal(await bytes(await inbox.content(8)), body)
})

test('counters hold for what a maddy writes to the same database, which goes on as before', async () => {
  await using old = await adopt(tables(6) + rows)
  const storage = await old.start()
  const owner = await account(storage, 'b@x.org')
  await old.db.exec(`
    INSERT INTO extKeys VALUES ('${'c0de'.repeat(8)}', 7, 1);
    UPDATE mboxes SET uidnext = uidnext + 1, msgsCount = msgsCount + 1 WHERE id = 11;
    INSERT INTO msgs SELECT mboxId, 9, date, 77, 0, bodyStructure, cachedHeader, '${'c0de'.repeat(8)}', 0, '', 1
      FROM msgs WHERE msgId = 8;
    INSERT INTO flags VALUES (11, 9, '\\Seen'), (11, 9, 'New')`)
  const one = await owner.status('INBOX')
  assert.deepEqual([one.messages, one.unseen, one.recent, one.size], [3, 1, 3, 2 * body.length + 77])
  await old.db.exec(`
    INSERT INTO mboxes (uid, name, uidvalidity) VALUES (7, 'of maddy', 5);
    INSERT INTO msgs SELECT 13, msgId, date, bodyLen, 0, bodyStructure, cachedHeader, extBodyKey, seen, compressAlgo, 0
      FROM msgs WHERE mboxId = 11;
    UPDATE msgs SET recent = 0 WHERE mboxId = 11;
    DELETE FROM flags WHERE flag = 'kw';
    DELETE FROM msgs WHERE mboxId = 11 AND msgId = 3`)
  const two = await owner.status('INBOX')
  assert.deepEqual([two.messages, two.unseen, two.recent, two.size], [2, 1, 0, body.length + 77])
  const other = await owner.status('of maddy')
  assert.deepEqual([other.messages, other.unseen, other.size], [3, 3, 2 * body.length + 77])
  assert.equal((await storage.usage('b@x.org'))?.usedBytes, 3 * body.length + 2 * 77)
  await using inbox = await select(storage, 'b@x.org')
  assert.deepEqual(inbox.snapshot.keywords, ['New'])
  await old.db.exec("DELETE FROM mboxes WHERE name = 'of maddy'")
  assert.equal((await storage.usage('b@x.org'))?.usedBytes, body.length + 77)
  await old.db.exec('DELETE FROM users')
  for (const table of [
    'mboxes',
    'msgs',
    'flags',
    'tsmaddy_mboxes',
    'tsmaddy_msgs',
    'tsmaddy_keywords',
    'tsmaddy_users',
  ]) {
    assert.deepEqual(await old.db.rows(`SELECT * FROM ${table}`), [], table)
  }
})

test('a program with another search_path keeps the counters too', async () => {
  await using old = await adopt(tables(6) + rows)
  const storage = await old.start()
  const [[schema] = []] = await old.db.rows('SELECT current_schema()')
  await old.db.exec(`SET search_path = pg_catalog; DELETE FROM ${schema}.msgs WHERE msgid = 3`)
  assert.equal((await (await account(storage, 'b@x.org')).status('INBOX')).messages, 1)
})

test('mailboxes whose name differs from INBOX in case alone can be reached, also those made later', async () => {
  await using old = await adopt(
    `${tables(6)}${rows}
    INSERT INTO mboxes (id, uid, name, uidvalidity) VALUES (20, 7, 'Inbox.Work', 1), (21, 7, 'inbox.Work', 1), (22, 7, 'inbox', 1)`,
  )
  {
    await using first = await old.once()
    const owner = await account(first.storage, 'b@x.org')
    const names = (await owner.mailboxes()).map(({ name }) => name)
    assert.deepEqual(names, ['INBOX', 'Sent', 'INBOX.Work', 'INBOX.Work-21', 'inbox-22'])
    for (const name of names) assert.ok(await owner.status(name))
  }
  await old.db.exec("INSERT INTO mboxes (id, uid, name, uidvalidity) VALUES (23, 7, 'Inbox.Later', 1)")
  assert.ok(await (await account(await old.start(), 'b@x.org')).status('Inbox.Later'))
})

test('version 5 gets the column it lacks, and its mail is as it was', async () => {
  await using old = await adopt(tables(5) + rows)
  await using inbox = await select(await old.start(), 'b@x.org')
  assert.deepEqual(inbox.snapshot.uids, [3, 8])
  assert.deepEqual(await old.db.rows('SELECT version FROM schema_version'), [[6]])
  assert.deepEqual((await old.db.rows('SELECT recent FROM msgs')).flat(), [1, 1])
})

test('the tables of maddy keep their columns, and rows written here are like its own', async () => {
  await using old = await adopt(tables(6) + rows)
  await deliver(await old.start(), ['b@x.org'])
  const columns = await old.db.rows(`SELECT column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = 'msgs'`)
  assert.equal(columns.length, 11)
  const [[structureJson, extbodykey, compressalgo, mark, recent] = []] = await old.db.rows(
    'SELECT bodystructure, extbodykey, compressalgo, mark, recent FROM msgs WHERE msgid = 9',
  )
  const json = JSON.parse(Buffer.from(structureJson as Uint8Array).toString())
  assert.deepEqual([json.MIMEType, json.MIMESubType, json.Extended], ['text', 'plain', true])
  assert.match(String(extbodykey), /^[0-9a-f]{32}$/)
  assert.deepEqual([compressalgo, mark, recent], ['', 0, 1])
})

for (const [what, more, message] of [
  ['version 4', 'UPDATE schema_version SET version = 4', /schema version 4/],
  ['version 7', 'UPDATE schema_version SET version = 7', /schema version 7, which is newer/],
  [
    'companions of a tsmaddy to come',
    `CREATE TABLE tsmaddy_meta (name VARCHAR(255), value VARCHAR(255));
    INSERT INTO tsmaddy_meta VALUES ('version', '99')`,
    /another tsmaddy \(its version 99\)/,
  ],
  ['no version', 'DROP TABLE schema_version', /mailboxes but no schema_version/],
] as const) {
  test(`a database with ${what} is refused, and left as it is`, async () => {
    await using old = await adopt(`${tables(6)}${rows}${more}`)
    const found = await dump(old.db)
    await assert.rejects(old.start(), message)
    assert.equal(await dump(old.db), found)
  })
}

test('the users of another program are not taken for ours', async () => {
  await using old = await adopt('CREATE TABLE users (name text)')
  await assert.rejects(old.start(), /of another program/)
  assert.deepEqual(
    await old.db.rows(
      "SELECT relname FROM pg_class WHERE relname = 'mboxes' AND relnamespace = current_schema()::regnamespace",
    ),
    [],
  )
})

test('an upgrade that cannot be completed changes nothing', async () => {
  await using old = await adopt(`${tables(5)}${rows} CREATE TABLE tsmaddy_keywords (wrong int)`)
  const found = await dump(old.db)
  await assert.rejects(old.start())
  assert.equal(await dump(old.db), found)
})

test('a database whose bodies are in files is not opened as one that has them inside', async () => {
  await using old = await adopt(tables(6) + rows)
  await assert.rejects(old.start('sql'), /bodies are not in it/)
})

test('triggers of an earlier version are replaced; a start that has nothing to do makes no changes', async () => {
  await using old = await adopt(tables(6) + rows)
  await (await old.once('fs bodies'))[Symbol.asyncDispose]()
  const functions = () =>
    old.db.rows(`SELECT p.proname, p.prosrc, t.tgrelid::regclass::text FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid
      WHERE p.pronamespace = current_schema()::regnamespace ORDER BY 1`)
  const made = await functions()
  const catalog = () =>
    old.db.rows('SELECT oid FROM pg_class WHERE relnamespace = current_schema()::regnamespace ORDER BY 1')
  const before = await catalog()
  await (await old.once('fs bodies'))[Symbol.asyncDispose]()
  assert.deepEqual(await catalog(), before)
  await old.db.exec(`DROP TRIGGER tsmaddy_account_removed ON users;
    CREATE OR REPLACE FUNCTION tsmaddy_flag_added() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    UPDATE tsmaddy_meta SET value = 'of an earlier one' WHERE name = 'triggers'`)
  await (await old.once('fs bodies'))[Symbol.asyncDispose]()
  assert.deepEqual(await functions(), made)
})

test('two processes that start at once on an empty database both find its tables, made once', async () => {
  await using db = await postgresSchemas(server).make()
  const processes = await Promise.all(Array.from({ length: 3 }, () => postgresProcess(db.dsn)))
  await using stack = new AsyncDisposableStack()
  for (const each of processes) stack.use(each)
  const made = processes.flatMap(({ logged }) => logged).filter((line) => line === 'database tables made')
  assert.equal(made.length, 1)
  const names = await Promise.all(processes.map(async ({ storage }) => (await storage.open('b@x.org')).name))
  assert.deepEqual(names, ['b@x.org', 'b@x.org', 'b@x.org'])
})

test('bodies stored ahead by a process that died are removed once they are a day old', async () => {
  await using db = await postgresSchemas(server).make()
  await (await postgresProcess(db.dsn))[Symbol.asyncDispose]()
  const orphan = '0'.repeat(32)
  await db.exec(
    `INSERT INTO tsmaddy_staged VALUES ('${orphan}'); INSERT INTO tsmaddy_blobs VALUES ('${orphan}', 0, 'x')`,
  )
  await using _made = await instance(Accounts, `storage.imapsql local {\n${db.conf}\n msg_store sql\n}`)
  while ((await db.rows('SELECT id FROM tsmaddy_staged UNION SELECT id FROM tsmaddy_blobs')).length > 0);
})

test('a message of many megabytes goes into the database in pieces, and comes back as it was', async () => {
  await using db = await postgresSchemas(server).make()
  await using made = await postgresProcess(db.dsn)
  for (const name of ['b@x.org', 'c@x.org']) await made.storage.create(name, [])
  const text = 'a line of a message that is too large for one piece\n'.repeat(150_000)
  await deliver(made.storage, ['b@x.org', 'c@x.org'], simple('huge', text))
  await using inbox = await select(made.storage, 'c@x.org')
  const content = await inbox.content(1)
  const found = await bytes(content)
  assert.ok(found.length === content.size && found.endsWith(text.replaceAll('\n', '\r\n')))
  assert.deepEqual(await db.rows('SELECT * FROM tsmaddy_staged'), [])
  await made.storage.delete('b@x.org')
  await made.storage.delete('c@x.org')
  assert.deepEqual(await db.rows('SELECT id FROM tsmaddy_blobs'), [])
})
