import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'
import type { SqlStorage } from './support.ts'
import { account, all, bytes, deliver, select } from './support.ts'

/** The tables of maddy 0.9 as its documentation of the schema has them. */
const tables = (version: number) => `
  CREATE TABLE schema_version (version INTEGER NOT NULL);
  INSERT INTO schema_version VALUES (${version});
  CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, username VARCHAR(255) NOT NULL UNIQUE,
    msgsizelimit INTEGER DEFAULT NULL, inboxId BIGINT DEFAULT 0);
  CREATE TABLE mboxes (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    uid INTEGER NOT NULL REFERENCES users(id) ON DELETE CASCADE, name VARCHAR(255) NOT NULL,
    sub INTEGER NOT NULL DEFAULT 1, mark INTEGER NOT NULL DEFAULT 0, msgsizelimit INTEGER DEFAULT NULL,
    uidnext INTEGER NOT NULL DEFAULT 1, uidvalidity BIGINT NOT NULL, specialuse VARCHAR(255) DEFAULT NULL,
    msgsCount INTEGER NOT NULL DEFAULT 0, UNIQUE(uid, name));
  CREATE TABLE extKeys (id VARCHAR(255) PRIMARY KEY NOT NULL, uid BIGINT NOT NULL, refs INTEGER NOT NULL DEFAULT 1);
  CREATE TABLE msgs (mboxId BIGINT NOT NULL REFERENCES mboxes(id) ON DELETE CASCADE, msgId BIGINT NOT NULL,
    date BIGINT NOT NULL, bodyLen INTEGER NOT NULL, mark INTEGER NOT NULL DEFAULT 0, bodyStructure LONGTEXT NOT NULL,
    cachedHeader LONGTEXT NOT NULL, extBodyKey VARCHAR(255) DEFAULT NULL REFERENCES extKeys(id) ON DELETE RESTRICT,
    seen INTEGER NOT NULL DEFAULT 0, compressAlgo VARCHAR(255)
    ${version > 5 ? ', recent INTEGER NOT NULL DEFAULT 1' : ''}, PRIMARY KEY(mboxId, msgId));
  CREATE TABLE flags (mboxId BIGINT NOT NULL, msgId BIGINT NOT NULL, flag VARCHAR(255) NOT NULL,
    FOREIGN KEY (mboxId, msgId) REFERENCES msgs(mboxId, msgId) ON DELETE CASCADE, UNIQUE (mboxId, msgId, flag));
  CREATE UNIQUE INDEX extKeys_uid_id ON extKeys(uid, id);
  CREATE INDEX seen_msgs ON msgs(mboxId, seen);`

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
  INSERT INTO extKeys VALUES ('${key}', 7, 1), ('${'dead'.repeat(8)}', 7, 3);
  INSERT INTO msgs (mboxId, msgId, date, bodyLen, bodyStructure, cachedHeader, extBodyKey, seen, compressAlgo) VALUES
    (11, 3, 1700000000, ${body.length}, CAST('${structure}' AS BLOB), CAST('${header}' AS BLOB), '${key}', 0, ''),
    (11, 8, 1700000001, ${body.length}, CAST('${structure}' AS BLOB), CAST('${header}' AS BLOB), '${key}', 1, '');
  INSERT INTO flags VALUES (11, 3, '\\seen'), (11, 3, ''), (11, 3, 'kw'), (11, 8, '\\Flagged');`

const adopt = async (version: number, more = rows) => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'old.db')
  const db = new DatabaseSync(file, { enableForeignKeyConstraints: true })
  db.exec(tables(version) + more)
  db.close()
  await mkdir(join(directory, 'messages'))
  await writeFile(join(directory, 'messages', key), body)
  const held = stack.move()
  /** The storage on it, until it is disposed of. */
  const once = async (store = `fs ${directory}/messages`) => {
    const conf = `storage.imapsql local {\n driver sqlite3\n dsn ${file}\n msg_store ${store}\n}`
    const made = await instance(Accounts, conf)
    return { storage: made.api as SqlStorage, [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
  }
  const start = async (store?: string) => held.use(await once(store)).storage
  return { file, directory, once, start, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

test('a database of maddy opens with the same names, UIDs, flags, dates and content', async () => {
  await using old = await adopt(6)
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
  await using old = await adopt(6)
  const storage = await old.start()
  const status = await (await account(storage, 'b@x.org')).status('INBOX')
  assert.deepEqual([status.messages, status.unseen, status.recent, status.size], [2, 1, 2, 2 * body.length])
  using db = new DatabaseSync(old.file)
  assert.deepEqual(
    db
      .prepare('SELECT msgid, seen FROM msgs ORDER BY msgid')
      .all()
      .map((row) => Object.values(row)),
    [
      [3, 1],
      [8, 0],
    ],
  )
  await using inbox = await select(storage, 'b@x.org')
  await inbox.store([{ first: 3, last: 3 }], 'add', ['\\Deleted'])
  await inbox.expunge()
  assert.equal(await bytes(await inbox.content(8)), body)
})

const foreignKeys = (file: string): unknown[] => {
  using db = new DatabaseSync(file)
  return [...db.prepare('PRAGMA integrity_check').all(), ...db.prepare('PRAGMA foreign_key_check').all()].map((row) =>
    Object.values(row),
  )
}

test('what was left where foreign keys were off is removed, and messages whose key is not known get it back', async () => {
  await using old = await adopt(6)
  {
    using db = new DatabaseSync(old.file, { enableForeignKeyConstraints: false })
    db.exec(`INSERT INTO flags VALUES (11, 5, '\\Seen'), (11, 5, '\\Deleted'), (11, 5, 'gone'), (99, 1, 'gone');
      INSERT INTO msgs (mboxId, msgId, date, bodyLen, bodyStructure, cachedHeader) VALUES (99, 1, 0, 1, '', '');
      INSERT INTO mboxes (id, uid, name, uidvalidity) VALUES (98, 55, 'of nobody', 1);
      DELETE FROM extKeys`)
  }
  const storage = await old.start()
  const owner = await account(storage, 'b@x.org')
  const { unseen, deleted } = await owner.status('INBOX')
  assert.deepEqual([unseen, deleted], [1, 0])
  await using inbox = await select(storage, 'b@x.org')
  assert.deepEqual(inbox.snapshot.keywords, ['kw'])
  await inbox.copy(all, 'Sent')
  assert.deepEqual(foreignKeys(old.file), [['ok']])
})

test('counters hold also for a program that deletes without foreign keys', async () => {
  await using old = await adopt(6)
  const storage = await old.start()
  const owner = await account(storage, 'b@x.org')
  using db = new DatabaseSync(old.file, { enableForeignKeyConstraints: false })
  db.exec('DELETE FROM msgs WHERE msgId = 3')
  const { messages, unseen } = await owner.status('INBOX')
  assert.deepEqual([messages, unseen], [1, 1])
  assert.deepEqual((await select(storage, 'b@x.org')).snapshot.keywords, [])
  db.exec('DELETE FROM mboxes WHERE id = 11')
  assert.deepEqual(foreignKeys(old.file), [['ok']])
  db.exec('DELETE FROM users')
  assert.deepEqual(foreignKeys(old.file), [['ok']])
})

test('mailboxes whose name differs from INBOX in case alone can be reached, also those made later', async () => {
  await using old = await adopt(6)
  const make = (id: number, name: string) => {
    using db = new DatabaseSync(old.file)
    db.exec(`INSERT INTO mboxes (id, uid, name, uidvalidity) VALUES (${id}, 7, '${name}', 1)`)
  }
  make(20, 'Inbox.Work')
  make(21, 'inbox.Work')
  make(22, 'inbox')
  {
    await using first = await old.once()
    const owner = await account(first.storage, 'b@x.org')
    const names = (await owner.mailboxes()).map(({ name }) => name)
    assert.deepEqual(names, ['INBOX', 'Sent', 'INBOX.Work', 'INBOX.Work-21', 'inbox-22'])
    for (const name of names) assert.ok(await owner.status(name))
  }
  make(23, 'Inbox.Later')
  const owner = await account(await old.start(), 'b@x.org')
  assert.ok(await owner.status('Inbox.Later'))
})

test('triggers of an earlier version are replaced, and tables it lacked are made', async () => {
  await using old = await adopt(6)
  const triggers = (): unknown[] => {
    using db = new DatabaseSync(old.file)
    return db.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name").all()
  }
  await (await old.once())[Symbol.asyncDispose]()
  const made = triggers()
  {
    using db = new DatabaseSync(old.file)
    db.exec(`DROP TRIGGER tsmaddy_account_removed; DROP TRIGGER tsmaddy_mailbox_removed; DROP TABLE tsmaddy_staged;
      CREATE TRIGGER tsmaddy_mailbox_removed AFTER DELETE ON mboxes BEGIN SELECT 1; END`)
  }
  await (await old.once())[Symbol.asyncDispose]()
  assert.deepEqual(triggers(), made)
  using db = new DatabaseSync(old.file)
  assert.deepEqual(db.prepare('SELECT * FROM tsmaddy_staged').all(), [])
})

test('the tables of maddy keep their columns, and rows written here are like its own', async () => {
  await using old = await adopt(6)
  const storage = await old.start()
  await deliver(storage, ['b@x.org'])
  using db = new DatabaseSync(old.file)
  const columns = db.prepare('SELECT name FROM pragma_table_info(?)')
  assert.equal(columns.all('msgs').length, 11)
  const [row] = db.prepare('SELECT * FROM msgs WHERE msgid = 9').all()
  const json = JSON.parse(Buffer.from(row?.bodyStructure as Uint8Array).toString())
  assert.deepEqual([json.MIMEType, json.MIMESubType, json.Extended], ['text', 'plain', true])
  assert.match(String(row?.extBodyKey), /^[0-9a-f]{32}$/)
  assert.deepEqual([row?.compressAlgo, row?.mark, row?.recent], ['', 0, 1])
  const cached = JSON.parse(Buffer.from(row?.cachedHeader as Uint8Array).toString())
  assert.deepEqual(cached['Return-Path'], ['<sender@example.net>'])
  assert.equal(db.prepare('SELECT version FROM schema_version').get()?.version, 6)
  // As maddy copies messages: without naming columns.
  db.exec(`INSERT INTO msgs SELECT mboxid, 10, date, bodylen, 0, bodystructure, cachedheader, extbodykey, seen,
    compressalgo, 0 FROM msgs WHERE msgid = 9`)
})

test('version 5 gets the column it lacks, and its mail is as it was', async () => {
  await using old = await adopt(5)
  const storage = await old.start()
  await using inbox = await select(storage, 'b@x.org')
  assert.deepEqual(inbox.snapshot.uids, [3, 8])
  using db = new DatabaseSync(old.file)
  assert.equal(db.prepare('SELECT version FROM schema_version').get()?.version, 6)
  assert.deepEqual(
    db
      .prepare('SELECT recent FROM msgs')
      .all()
      .map((row) => row.recent),
    [1, 1],
  )
})

for (const version of [4, 7]) {
  test(`version ${version} is refused, and the file left as it is`, async () => {
    await using old = await adopt(6)
    {
      using db = new DatabaseSync(old.file)
      db.exec(`UPDATE schema_version SET version = ${version}`)
    }
    const before = await readFile(old.file)
    await assert.rejects(old.start(), /schema version/)
    assert.ok(before.equals(await readFile(old.file)))
  })
}

test('a database whose bodies are in files is not opened as one that has them inside', async () => {
  await using old = await adopt(6)
  await assert.rejects(old.start('sql'), /bodies are not in it/)
})

test('a database that was being written to without a write-ahead log when its program died is recovered', async () => {
  await using old = await adopt(6)
  const script = `const db = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(old.file)})
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; BEGIN')
    for (let n = 0; n < 2000; n++) db.exec("INSERT INTO extKeys VALUES ('" + n + "', 7, 1)")
    console.log('writing')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok((await stat(`${old.file}-journal`)).size > 0)
  await using inbox = await select(await old.start(), 'b@x.org')
  assert.deepEqual(inbox.snapshot.uids, [3, 8])
  assert.deepEqual(foreignKeys(old.file), [['ok']])
})
