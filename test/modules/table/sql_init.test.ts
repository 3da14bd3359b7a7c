import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { MutableTable } from '../../../core/index.ts'
import { postgresOptions } from '../../../core/kit/sql/postgres_options.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'
import { until } from '../../support/process.ts'
import { instance } from '../../support/server.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

const make = 'CREATE TABLE IF NOT EXISTS credentials (username varchar PRIMARY KEY, password varchar NOT NULL)'

test('postgres: init makes a table that another process is making at the same moment', async () => {
  const dsn = server.dsn(await server.createDatabase())
  const { shared } = await postgresOptions(dsn, { path: (written) => written, env: {} })
  const other = new pg.Client(shared)
  await other.connect()
  await other.query('BEGIN')
  await other.query(make)
  const starting = instance(
    MutableTable,
    `table.sql_query t {
      driver postgres
      dsn ${dsn}
      init "${make}"
      lookup "SELECT password FROM credentials WHERE username = $1"
      list "SELECT username FROM credentials"
      add "INSERT INTO credentials VALUES ($1, $2)"
      set "UPDATE credentials SET password = $2 WHERE username = $1"
      del "DELETE FROM credentials WHERE username = $1"
    }`,
  )
  const waiting = async () => (await other.query('SELECT 1 FROM pg_locks WHERE NOT granted')).rows.length > 0
  await until(waiting, 'init to wait for the other process')
  await other.query('COMMIT')
  await other.end()
  await using table = await starting
  await table.api.set('ann', 'x')
  assert.deepEqual(await table.api.lookup('ann'), ['x'])
})
