import { hash } from 'node:crypto'
import type { Context, Lifecycle, MutableTable, Position } from '../../core/index.ts'
import { ConfigError, custom, quoted, text, UserError, value, words } from '../../core/index.ts'
import type { ConnectOptions, Database, Driver, Row } from '../../core/kit/sql/database.ts'
import { connect, inspect, textOf } from '../../core/kit/sql/database.ts'

/** A statement, and the directive that gave it. */
export interface Query {
  readonly sql: string
  readonly at: Position
}

export const query = () => text('QUERY').map((sql, at): Query => ({ sql, at }))

export const queries = () =>
  custom({ args: 'strings', usage: 'QUERY…' }, (words, { name }): readonly Query[] => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs a query`)
    return words.map(({ text, at }) => ({ sql: text, at }))
  })

const driver = () =>
  value(
    'sqlite3|postgres',
    (written): Driver => {
      if (written === 'mysql') throw new RangeError('MySQL is not supported: use sqlite3 or postgres')
      if (written !== 'sqlite3' && written !== 'sqlite' && written !== 'postgres') {
        throw new RangeError(`expected sqlite3 or postgres, not ${quoted(written)}`)
      }
      return written
    },
    'string',
    ['sqlite3', 'sqlite', 'postgres'],
  )

/** Which database, for every table that is in one. */
export const databaseDirectives = {
  driver: driver().required().doc('The database to talk to.'),
  dsn: words('DSN…')
    .map((parts, at) => ({ text: parts.join(' '), at }))
    .required()
    .doc('The file of SQLite, or the connection string of PostgreSQL; words are joined with spaces.'),
}

export interface SqlTableOptions {
  readonly driver: Driver
  readonly dsn: { readonly text: string; readonly at: Position }
  /** Lets statements call the parameters `key` and `value`; of SQLite only. */
  readonly named: boolean
  /** Run at every start, in order. */
  readonly init?: readonly Query[]
  /** Makes what `lookup` reads, and is run only where that is not there. */
  readonly make?: Query
  readonly lookup: Query
  readonly list?: Query | undefined
  readonly add?: Query | undefined
  readonly set?: Query | undefined
  readonly del?: Query | undefined
}

/** A table behind statements whose parameters are the key, `$1`, and the value, `$2`. */
export class SqlTable implements MutableTable, Lifecycle {
  readonly #options: SqlTableOptions
  readonly #context: Context
  #open: Database | undefined

  constructor(options: SqlTableOptions, context: Context) {
    this.#options = options
    this.#context = context
  }

  async inspect(): Promise<void> {
    const { driver, dsn } = this.#options
    await blame('dsn', dsn.at, () => inspect(driver, dsn.text, this.#connectOptions))
  }

  async start(held: AsyncDisposableStack): Promise<void> {
    const { dsn, init = [], make, lookup, list, add, set, del } = this.#options
    const db = await blame('dsn', dsn.at, () => this.#connect(held))
    this.#open = db
    for (const { sql, at } of init) await blame('init', at, () => this.#initialize(db, sql))
    if (make) await blame('table_name', make.at, () => this.#make(db, make))
    const statements = { lookup, list, add, set, del }
    const counts = { lookup: 1, list: 0, add: 2, set: 2, del: 1 }
    for (const name of ['lookup', 'list', 'add', 'set', 'del'] as const) {
      const query = statements[name]
      if (query) await blame(name, query.at, () => db.check(query.sql, counts[name]))
    }
  }

  /**
   * PostgreSQL lets one of two processes fail that make the same table at the same time, even with IF NOT EXISTS. By then
   * the other one has made it, and nothing else has been done, so the statement is run once more.
   */
  async #initialize(db: Database, sql: string): Promise<void> {
    await db.execute(sql).catch((error) => {
      if (this.#options.driver !== 'postgres' || !isThere(error)) throw error
      return db.execute(sql)
    })
  }

  /**
   * Asks first: the right to use a table is not the right to make one. And asks once more after a failure, which may be
   * that another process was making it at the same time.
   */
  async #make(db: Database, { sql }: Query): Promise<void> {
    const ready = () =>
      db.check(this.#options.lookup.sql, 1).then(
        () => true,
        () => false,
      )
    if (await ready()) return
    await db.execute(sql).catch(async (error) => {
      if (!(await ready())) throw error
    })
  }

  /** Servers are reached through one pool for all tables; a file is opened by each, since memory of its own is no shared one. */
  async #connect(held: AsyncDisposableStack): Promise<Database> {
    const { driver, dsn } = this.#options
    const open = () => connect(driver, dsn.text, this.#connectOptions)
    if (driver !== 'postgres') return held.use(await open())
    return this.#context.shared(held, `postgres ${hash('sha256', dsn.text)}`, open) // the DSN has a password in it
  }

  get #connectOptions(): ConnectOptions {
    return {
      path: (written) => this.#context.path(written),
      ...(this.#options.named && { named: ['key', 'value'] }),
    }
  }

  get #db(): Database {
    if (!this.#open) throw new Error('the table has not been started')
    return this.#open
  }

  async lookup(key: string): Promise<readonly string[]> {
    return (await this.#db.query(this.#options.lookup.sql, [key])).map(onlyValue)
  }

  async keys(): Promise<readonly string[]> {
    const { sql } = editable(this.#options.list)
    return (await this.#db.query(sql)).map(onlyValue)
  }

  /** Which error says that the key is there, each database and each query has its own way to tell. */
  async add(key: string, value: string): Promise<boolean> {
    const { sql } = editable(this.#options.add)
    try {
      await this.#db.query(sql, [key, value])
      return true
    } catch (error) {
      if ((await this.lookup(key)).length > 0) return false
      throw error
    }
  }

  /** Tries to add first: which of the two it takes only the database can tell, whoever else writes at the same time. */
  async set(key: string, value: string): Promise<void> {
    const [add, set] = [editable(this.#options.add), editable(this.#options.set)]
    try {
      await this.#db.query(add.sql, [key, value])
    } catch {
      await this.#db.query(set.sql, [key, value])
    }
  }

  async delete(key: string): Promise<void> {
    await this.#db.query(editable(this.#options.del).sql, [key])
  }
}

/** PostgreSQL: unique_violation, duplicate_object, duplicate_table. */
const isThere = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && /^(23505|42710|42P07)$/.test(String(error.code))

const editable = (query: Query | undefined): Query => {
  if (!query) throw new UserError('unsupported', 'the table is not mutable: it has no query for that')
  return query
}

const onlyValue = (row: Row): string => {
  const [value, ...more] = row
  if (value === undefined || more.length > 0) throw new Error(`the query gives ${row.length} columns instead of one`)
  if (value === null) throw new Error('the query gives NULL for a value')
  return textOf(value)
}

/** Names the directive behind what a database will not have. */
const blame = async <T>(name: string, at: Position, run: () => Promise<T>): Promise<T> => {
  try {
    return await run()
  } catch (cause) {
    throw new ConfigError(at, `${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}
