import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { MutableTable, UserError } from '../../../core/index.ts'
import { inspect } from '../../../core/kit/sql/database.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'
import { instance } from '../../support/server.ts'
import { lookup, refused } from './lookup.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

/** Both databases, each with the directives that lead to an empty one. */
const databases: readonly { readonly driver: string; place(): Promise<string> }[] = [
  { driver: 'sqlite3', place: async () => 'driver sqlite3\ndsn table.db' },
  { driver: 'postgres', place: async () => `driver postgres\ndsn ${server.dsn(await server.createDatabase())}` },
]

const table = async (place: string, ...more: string[]) =>
  instance(MutableTable, `table.sql_table t {\n${place}\n${more.join('\n')}\n}`)

const query = async (place: string, ...more: string[]) =>
  instance(MutableTable, `table.sql_query t {\n${place}\n${more.join('\n')}\n}`)

const pairs = [
  `init "CREATE TABLE pairs (k TEXT, v TEXT)" "INSERT INTO pairs VALUES ('a', 'x'), ('a', 'y'), ('n', NULL)"`,
]

for (const { driver, place } of databases) {
  test(`${driver}: sql_table makes its table and can be edited`, async () => {
    await using t = await table(await place(), 'table_name credentials')
    assert.deepEqual(await t.api.keys(), [])
    await t.api.set('a', 'x')
    await t.api.set('b', 'y')
    assert.deepEqual((await t.api.keys()).toSorted(), ['a', 'b'])
    assert.deepEqual(await t.api.lookup('a'), ['x'])
    await t.api.delete('a')
    await t.api.delete('a')
    assert.deepEqual(await t.api.lookup('a'), [])
  })

  test(`${driver}: sql_table overwrites the value of a key that is there`, async () => {
    await using t = await table(await place(), 'table_name t')
    await t.api.set('a', 'old')
    await t.api.set('a', 'new')
    assert.deepEqual(await t.api.lookup('a'), ['new'])
  })

  test(`${driver}: sql_table keeps keys and values as they are, whatever is in them`, async () => {
    await using t = await table(await place(), 'table_name t')
    const odd = `'; DROP TABLE t; -- $1 ?1 :key "ä" \\`
    await t.api.set(odd, odd)
    assert.deepEqual(await t.api.lookup(odd), [odd])
  })

  test(`${driver}: sql_query finds all rows, the first one first`, async () => {
    await using t = await query(await place(), ...pairs, 'lookup "SELECT v FROM pairs WHERE k = $1 ORDER BY v"')
    assert.deepEqual(await t.api.lookup('a'), ['x', 'y'])
    assert.deepEqual(await t.api.lookup('b'), [])
  })

  test(`${driver}: NULL for a value is an error`, async () => {
    await using t = await query(await place(), ...pairs, 'lookup "SELECT v FROM pairs WHERE k = $1"')
    await assert.rejects(t.api.lookup('n'), /NULL/)
  })

  test(`${driver}: a second column is an error`, async () => {
    await using t = await query(await place(), ...pairs, 'lookup "SELECT k, v FROM pairs WHERE k = $1"')
    await assert.rejects(t.api.lookup('a'), /2 columns instead of one/)
  })

  test(`${driver}: values that are no text become text`, async () => {
    await using t = await query(await place(), 'lookup "SELECT 42 WHERE $1 = \'a\'"')
    assert.deepEqual(await t.api.lookup('a'), ['42'])
  })

  test(`${driver}: a table without queries for it is not mutable`, async () => {
    await using t = await query(await place(), ...pairs, 'lookup "SELECT v FROM pairs WHERE k = $1"')
    const unsupported = (error: unknown) => error instanceof UserError && error.kind === 'unsupported'
    await assert.rejects(t.api.keys(), unsupported)
    await assert.rejects(t.api.set('a', 'x'), unsupported)
    await assert.rejects(t.api.delete('a'), unsupported)
    assert.equal((await t.api.lookup('a')).length, 2)
  })

  test(`${driver}: set needs add as well`, async () => {
    const set = 'set "UPDATE pairs SET v = $2 WHERE k = $1"'
    await using t = await query(await place(), ...pairs, 'lookup "SELECT v FROM pairs WHERE k = $1"', set)
    await assert.rejects(t.api.set('a', 'x'), /not mutable/)
  })

  test(`${driver}: set changes what add cannot add`, async () => {
    await using t = await query(
      await place(),
      'init "CREATE TABLE m (k TEXT PRIMARY KEY, v TEXT)"',
      'lookup "SELECT v FROM m WHERE k = $1"',
      'add "INSERT INTO m (v, k) VALUES ($2, $1)"',
      'set "UPDATE m SET v = $2 WHERE k = $1"',
      'del "DELETE FROM m WHERE k = $1"',
      'list "SELECT k FROM m"',
    )
    await t.api.set('a', 'old')
    await t.api.set('a', 'new')
    assert.deepEqual(await t.api.lookup('a'), ['new'])
    assert.deepEqual(await t.api.keys(), ['a'])
    await t.api.delete('a')
    assert.deepEqual(await t.api.keys(), [])
  })

  test(`${driver}: an init statement that fails is an error at its place`, async () => {
    const starting = query(
      await place(),
      'init "CREATE TABLE x (a TEXT)" "nonsense" "CREATE TABLE y (a TEXT)"',
      'lookup "SELECT 1 WHERE $1 = $1"',
    )
    await assert.rejects(starting, refused(/^test\.conf:4:32: init: .*nonsense/))
  })

  test(`${driver}: a query that cannot be prepared is an error at its place`, async () => {
    await assert.rejects(
      query(await place(), 'lookup "SELECT v FROM nowhere WHERE k = $1"'),
      refused(/^test\.conf:4:1: lookup: .*nowhere/),
    )
    await assert.rejects(
      query(await place(), ...pairs, 'lookup "SELECT v FROM pairs WHERE k = $1"', 'del "DELETE FROM nowhere"'),
      refused(/^test\.conf:6:1: del: .*nowhere/),
    )
  })

  test(`${driver}: an outage after the start is an error and no missing key`, async () => {
    await using t = await query(
      await place(),
      ...pairs,
      'lookup "SELECT v FROM pairs WHERE k = $1"',
      'list "DROP TABLE pairs"',
    )
    await t.api.keys()
    await assert.rejects(t.api.lookup('a'), /pairs/)
  })
}

test('sqlite3: the columns have the names that were asked for', async () => {
  await using t = await table('driver sqlite\ndsn table.db', 'table_name users', 'key_column name', 'value_column hash')
  await t.api.set('ann', 'x')
  using db = new DatabaseSync(join(t.directory, 'table.db'))
  assert.deepEqual({ ...db.prepare('SELECT name, hash FROM users').get() }, { name: 'ann', hash: 'x' })
})

test('sqlite3: a table with several rows for a key finds all of them', async () => {
  await using t = await query(
    'driver sqlite3\ndsn table.db',
    `init "CREATE TABLE t (key, value)" "INSERT INTO t VALUES ('a', 'x'), ('a', 'y')"`,
    'lookup "SELECT 1 WHERE $1"',
  )
  await using again = await table(`driver sqlite3\ndsn ${t.directory}/table.db`, 'table_name t')
  assert.deepEqual(await again.api.lookup('a'), ['x', 'y'])
})

test('sqlite3: parameters go by their names with named_args', async () => {
  for (const sign of [':', '@', '$']) {
    await using t = await query(
      'driver sqlite3\ndsn :memory:\nnamed_args',
      'init "CREATE TABLE t (v TEXT, k TEXT PRIMARY KEY)"',
      `lookup "SELECT v FROM t WHERE k = ${sign}key"`,
      `add "INSERT INTO t VALUES (${sign}value, ${sign}key)"`,
      `set "UPDATE t SET v = ${sign}value WHERE k = ${sign}key"`,
    )
    await t.api.set('a', 'old')
    await t.api.set('a', 'new')
    assert.deepEqual(await t.api.lookup('a'), ['new'])
  }
})

test('sqlite3: a single $key is the key also without named_args', async () => {
  const conf = 'table.sql_query t {\ndriver sqlite3\ndsn :memory:\nlookup "SELECT $key"\n}'
  assert.deepEqual(await lookup(conf, 'a'), ['a'])
})

test('sqlite3: the words of a DSN are joined with spaces', async () => {
  await using t = await table('driver sqlite3\ndsn a table.db', 'table_name t')
  assert.ok((await readdir(t.directory)).includes('a table.db'))
})

test('sqlite3: a DSN in a folder that is not there is an error at its place', async () => {
  await assert.rejects(
    table('driver sqlite3\ndsn none/table.db', 'table_name t'),
    refused(/^test\.conf:3:1: dsn: cannot open .*none\/table\.db: the folder .* does not exist$/),
  )
})

test('postgres has no named parameters', async () => {
  const conf = 'table.sql_query t {\ndriver postgres\ndsn x=y\nnamed_args yes\nlookup "SELECT 1"\n}'
  await assert.rejects(lookup(conf, 'a'), refused(/^test\.conf:4:1: PostgreSQL has no named parameters/))
})

test('MySQL is refused, there where it stands', async () => {
  const conf = 'table.sql_query t {\ndriver mysql\ndsn x\nlookup "SELECT 1"\n}'
  await assert.rejects(lookup(conf, 'a'), refused(/^test\.conf:2:8: MySQL is not supported/))
})

test('driver, dsn and lookup are needed', async () => {
  await assert.rejects(
    lookup('table.sql_query t { }', 'a'),
    refused(/needs driver .*\n.*needs dsn .*\n.*needs lookup /),
  )
})

test('sql_table knows no queries', async () => {
  const conf = 'table.sql_table t {\ndriver sqlite3\ndsn x\ntable_name t\nlookup "SELECT 1"\n}'
  await assert.rejects(lookup(conf, 'a'), refused(/has no directive lookup/))
})

test('postgres: a server that is not there is an error that names it, and shows no password', async () => {
  const conf =
    'table.sql_table t {\ndriver postgres\ndsn host=127.0.0.1 port=1 password=hunter2 sslmode=disable\ntable_name t\n}'
  await assert.rejects(lookup(conf, 'a'), (error: Error) => {
    return /cannot connect to PostgreSQL at 127\.0\.0\.1:1: /.test(error.message) && !error.message.includes('hunter2')
  })
})

test('postgres: processes that start together can make the same table', async () => {
  const place = `driver postgres\ndsn ${server.dsn(await server.createDatabase())}`
  const tables = await Promise.all([1, 2, 3].map(() => table(place, 'table_name t')))
  for (const each of tables) await each[Symbol.asyncDispose]()
})

test('inspection finds what is wrong with a DSN, and opens nothing', async () => {
  const options = { path: (written: string) => written, env: {} }
  await assert.rejects(inspect('sqlite3', '/does/not/exist.db', options), /folder \/does\/not does not exist/)
  await assert.rejects(inspect('postgres', 'host=127.0.0.1 port=x', options), /port in the DSN/)
  await inspect('postgres', 'host=127.0.0.1 port=1', options)
})
