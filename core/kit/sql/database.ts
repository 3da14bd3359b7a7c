/** What a database takes and gives. An integer too large for a number is a bigint; dates and JSON are text. */
export type Value = string | number | bigint | boolean | Uint8Array | null

/** A row of a result, its columns in the order of the query. */
export type Row = readonly Value[]

/** A connection, or several behind one face, for statements that each stand alone. Whatever fails throws. */
export interface Database extends AsyncDisposable {
  readonly dialect: 'sqlite' | 'postgres'
  /** Runs one statement. `$1` is the first of `params`, in both dialects and in any order. */
  query(sql: string, params?: readonly Value[]): Promise<readonly Row[]>
  /** Runs statements separated by semicolons, without parameters. */
  execute(sql: string): Promise<void>
  /** Throws what makes `query` fail with this statement and that many parameters, as far as preparing it can tell. */
  check(sql: string, params: number): Promise<void>
}

export type Driver = 'sqlite3' | 'sqlite' | 'postgres'

export interface ConnectOptions {
  /** Makes the path of a file absolute. */
  path(written: string): string
  /** What the parameters are called by `:name`, `@name` and `$name`, in order; of SQLite only. */
  readonly named?: readonly string[]
  /** Where the PG* defaults of PostgreSQL are taken from; the environment of the process when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Opens a database and makes sure that it answers. Throws what is wrong with the DSN or keeps it from opening. */
export const connect = async (driver: Driver, dsn: string, options: ConnectOptions): Promise<Database> => {
  if (driver === 'postgres') {
    const { connectPostgres } = await import('./postgres.ts')
    return connectPostgres(dsn, options)
  }
  const { openSqlite } = await import('./sqlite.ts')
  return openSqlite(dsn, options)
}

/** Throws what would keep `connect` from opening a database, as far as it can be told without touching it. */
export const inspect = async (driver: Driver, dsn: string, options: ConnectOptions): Promise<void> => {
  if (driver === 'postgres') {
    const { postgresOptions } = await import('./postgres_options.ts')
    await postgresOptions(dsn, options)
  } else {
    const { inspectSqlite } = await import('./sqlite.ts')
    await inspectSqlite(dsn, options)
  }
}

/** The text of a value, as a table or an account name wants it. */
export const textOf = (value: Exclude<Value, null>): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
