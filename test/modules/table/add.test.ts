import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MutableTable } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'

const table = (more = '') =>
  instance(MutableTable, `table.sql_table t {\ndriver sqlite3\ndsn t.db\ntable_name entries\n${more}\n}`)

test('a key is added once, and keeps its first value', async () => {
  await using own = await table()
  assert.equal(await own.api.add?.('k', 'one'), true)
  assert.equal(await own.api.add?.('k', 'two'), false)
  assert.deepEqual(await own.api.lookup('k'), ['one'])
})

test('of many who add one key at once, one does', async () => {
  await using own = await table()
  const added = await Promise.all(Array.from({ length: 20 }, (_, n) => own.api.add?.('k', String(n))))
  assert.equal(added.filter((each) => each).length, 1)
  assert.deepEqual(await own.api.lookup('k'), [String(added.indexOf(true))])
})

test('a failure that is no key in its place is told', async () => {
  const text = `table.sql_query t {
    driver sqlite3
    dsn t.db
    init "CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT CHECK (value <> 'bad'))"
    lookup "SELECT value FROM entries WHERE key = $1"
    add "INSERT INTO entries VALUES ($1, $2)"
  }`
  await using own = await instance(MutableTable, text)
  await assert.rejects(async () => own.api.add?.('k', 'bad'), /CHECK/)
  assert.deepEqual(await own.api.lookup('k'), [])
})
