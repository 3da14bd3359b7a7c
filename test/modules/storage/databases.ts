import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { connectClient, findPostgres } from '../../../core/kit/sql/postgres_server.ts'
import type { SqlValue } from '../../../core/kit/sql/writer/index.ts'
import type { TestPostgres } from '../../support/postgres.ts'

/** A database of a test, and a way into it that a storage knows nothing of. */
export interface TestDatabase extends AsyncDisposable {
  /** The lines that name it in the block of a storage. */
  readonly conf: string
  readonly driver: 'sqlite3' | 'postgres'
  readonly dsn: string
  /** Rows as arrays of their columns. The state directory is where SQLite has its file. */
  rows(sql: string, directory?: string): Promise<SqlValue[][]>
  /** Runs statements as another program would. */
  exec(sql: string, directory?: string): Promise<void>
}

/** A kind of database that the tests of this process are run on. */
export interface Databases {
  readonly driver: TestDatabase['driver']
  make(): Promise<TestDatabase>
}

export const sqliteFiles: Databases = {
  driver: 'sqlite3',
  async make() {
    const open = (directory: string) =>
      new DatabaseSync(join(directory, 'imapsql.db'), { enableForeignKeyConstraints: true, timeout: 5000 })
    return {
      conf: ' driver sqlite3\n dsn imapsql.db',
      driver: 'sqlite3',
      dsn: 'imapsql.db',
      async rows(sql, directory = '') {
        using db = open(directory)
        const statement = db.prepare(sql)
        statement.setReturnArrays(true)
        return statement.all() as unknown as SqlValue[][]
      },
      async exec(sql, directory = '') {
        using db = open(directory)
        db.exec(sql)
      },
      [Symbol.asyncDispose]: async () => undefined,
    }
  },
}

/**
 * A schema for each test, all in one database of a server. `reuse` hands schemas on with their tables, which are emptied:
 * making those takes longer than most tests.
 */
export const postgresSchemas = (server: TestPostgres, { reuse = false } = {}): Databases => {
  const emptied: string[] = []
  return {
    driver: 'postgres',
    async make() {
      const schema = emptied.pop() ?? `test_${randomBytes(6).toString('hex')}`
      const dsn = `${server.dsn()} search_path=${schema} client_min_messages=warning`
      const { config } = await findPostgres(dsn, { path: (written) => written, env: {} })
      const client = await connectClient(config)
      await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`)
      return {
        conf: ` driver postgres\n dsn "${dsn}"`,
        driver: 'postgres',
        dsn,
        rows: async (sql) => (await client.query<SqlValue[]>({ text: sql, rowMode: 'array' })).rows,
        exec: async (sql) => void (await client.query(sql)),
        async [Symbol.asyncDispose]() {
          if (reuse) {
            await client.query(emptyTables)
            emptied.push(schema)
          } else if (process.env.TSMADDY_TEST_POSTGRES) {
            await client.query(`DROP SCHEMA ${schema} CASCADE`) // a server of the tests' own goes with all it has
          }
          await client.end()
        },
      }
    },
  }
}

const emptyTables = `DO $$ BEGIN
    EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY' FROM pg_tables
      WHERE schemaname = current_schema() AND tablename NOT IN ('schema_version', 'tsmaddy_meta'));
    DELETE FROM tsmaddy_meta WHERE name NOT IN ('version', 'triggers');
  END $$`

let chosen: Databases = sqliteFiles

/** Has the tests that are registered from now on run on another kind of database. */
export const runOn = (databases: Databases): void => {
  chosen = databases
}

export const databases = (): Databases => chosen
