import assert from 'node:assert/strict'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { Database } from '../../../core/kit/sql/database.ts'
import { connect } from '../../../core/kit/sql/database.ts'
import { sqliteLocation } from '../../../core/kit/sql/sqlite.ts'

/** A folder of its own, and databases in it. */
const place = async () => {
  const stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-sqlite-'))
  stack.defer(() => rm(folder, { recursive: true }))
  return {
    folder,
    async open(dsn: string, named?: readonly string[]): Promise<Database> {
      const path = (written: string) => resolve(folder, written)
      return stack.use(await connect('sqlite3', dsn, { path, ...(named && { named }) }))
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

test('a database is a file below the state directory, for its owner only, in WAL mode', async () => {
  await using here = await place()
  const db = await here.open('mail.db')
  await db.execute('CREATE TABLE t (a); INSERT INTO t VALUES (1)')
  assert.equal((await stat(join(here.folder, 'mail.db'))).mode & 0o777, 0o600)
  assert.deepEqual(await db.query('PRAGMA journal_mode'), [['wal']])
  assert.deepEqual(await db.query('PRAGMA synchronous'), [[2]])
  assert.deepEqual(await db.query('PRAGMA foreign_keys'), [[1]])
})

test('a folder that is not there is named in the error', async () => {
  await using here = await place()
  await assert.rejects(here.open('none/mail.db'), /the folder .*\/none does not exist/)
})

test('a file that is no database is an error from the start', async () => {
  await using here = await place()
  await writeFile(join(here.folder, 'mail.db'), 'this is no database, whatever its name may say of it')
  await assert.rejects(here.open('mail.db'), /cannot open .*mail\.db: file is not a database/)
})

test('values come back as they went in; integers are numbers while they are exact', async () => {
  await using here = await place()
  const db = await here.open(':memory:')
  const values = ['text', 42, 9007199254740993n, 1.5, true, new Uint8Array([0, 255]), null]
  const [row] = await db.query('SELECT $1, $2, $3, $4, $5, $6, $7', values)
  assert.deepEqual(row, ['text', 42, 9007199254740993n, 1.5, 1, new Uint8Array([0, 255]), null])
})

test('a statement that changes rows gives those it returns', async () => {
  await using here = await place()
  const db = await here.open(':memory:')
  await db.execute('CREATE TABLE t (k, v)')
  assert.deepEqual(await db.query('INSERT INTO t VALUES ($1, $2)', ['a', 'b']), [])
  assert.deepEqual(await db.query('UPDATE t SET v = $2 WHERE k = $1 RETURNING v', ['a', 'c']), [['c']])
})

test('parameters may go by the names they were given', async () => {
  await using here = await place()
  const db = await here.open(':memory:', ['key', 'value'])
  assert.deepEqual(await db.query('SELECT :value, @key, $key, $2', ['k', 'v']), [['v', 'k', 'k', 'v']])
})

test('check finds what cannot be prepared, and parameters that are not given', async () => {
  await using here = await place()
  const db = await here.open(':memory:')
  await assert.rejects(db.check('SELECT * FROM nowhere', 0), /no such table: nowhere/)
  await assert.rejects(db.check('SELECT $1, $2', 1), /parameter 2 is wanted, but there are 1/)
  await db.check('SELECT $1', 1)
})

test('check runs nothing', async () => {
  await using here = await place()
  const db = await here.open(':memory:')
  await db.execute('CREATE TABLE t (a)')
  await db.check('INSERT INTO t VALUES (1)', 0)
  assert.deepEqual(await db.query('SELECT * FROM t'), [])
})

test('a write waits for the lock of another connection, and the process goes on meanwhile', async () => {
  await using here = await place()
  const db = await here.open('mail.db')
  await db.execute('CREATE TABLE t (a)')
  using other = new DatabaseSync(join(here.folder, 'mail.db'))
  other.exec('BEGIN IMMEDIATE')
  const writing = db.query('INSERT INTO t VALUES (1)')
  setImmediate(() => other.exec('COMMIT'))
  await writing
  assert.deepEqual(await db.query('SELECT a FROM t'), [[1]])
})

test('a lock that is never given back is an error in the end', async () => {
  await using here = await place()
  const db = await here.open('file:mail.db?_busy_timeout=20')
  await db.execute('CREATE TABLE t (a)')
  using other = new DatabaseSync(join(here.folder, 'mail.db'))
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(db.query('INSERT INTO t VALUES (1)'), /database is locked/)
})

test('a database that is opened for reading can only be read', async () => {
  await using here = await place()
  await (await here.open('mail.db')).execute('CREATE TABLE t (a)')
  const db = await here.open('file:mail.db?mode=ro')
  assert.deepEqual(await db.query('SELECT * FROM t'), [])
  await assert.rejects(db.query('INSERT INTO t VALUES (1)'), /readonly/)
})

test('memory with a name is shared, memory without is not', async () => {
  await using here = await place()
  const one = await here.open('file:memdb-of-this-test?mode=memory&cache=shared')
  await one.execute('CREATE TABLE t (a)')
  const two = await here.open('file:memdb-of-this-test?mode=memory&cache=shared')
  await two.check('SELECT * FROM t', 0)
  await (await here.open(':memory:')).execute('CREATE TABLE t (a)')
  await assert.rejects((await here.open(':memory:')).check('SELECT * FROM t', 0), /no such table/)
})

const path = (written: string) => resolve('/state', written)

for (const [dsn, name] of [
  ['mail.db', '/state/mail.db'],
  ['/var/mail.db', '/var/mail.db'],
  ['mail.db?_busy_timeout=1', '/state/mail.db'],
  ['file:mail.db', 'file:///state/mail.db'],
  ['file:a%20b.db?cache=shared&_fk=1', 'file:///state/a%20b.db?cache=shared'],
  ['file:///var/mail.db?mode=rw', 'file:///var/mail.db?mode=rw'],
  ['file://localhost/var/mail.db', 'file:///var/mail.db'],
  [':memory:', ':memory:'],
  ['file::memory:?cache=shared', 'file::memory:?cache=shared'],
] as const) {
  test(`the DSN ${dsn} is ${name}`, () => assert.equal(sqliteLocation(dsn, path).name, name))
}

for (const [dsn, reason] of [
  ['', /path of the SQLite database is missing/],
  ['file:', /path of the SQLite database is missing/],
  ['file:a?mode=x', /mode of a SQLite database is/],
  ['file://host/a', /no host such as host/],
  ['file:%zz', /has a % that begins no character code/],
  ['a?_journal_mode=x', /_journal_mode is/],
] as const) {
  test(`the DSN ${JSON.stringify(dsn)} is refused`, () => assert.throws(() => sqliteLocation(dsn, path), reason))
}
