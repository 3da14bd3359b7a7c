import type { DatabaseSync, StatementSync } from 'node:sqlite'

export type SqlValue = null | number | bigint | string | Uint8Array

/** The columns of one row, in the order of the query: names of columns are spelt differently by different engines. */
export type Row = readonly SqlValue[]

/** A statement with its parameters. */
export type Statement = readonly [sql: string, params?: readonly SqlValue[]]

/** All that an operation may do with a database, so that the same function runs on SQLite and on PostgreSQL. */
export interface Statements {
  /** Runs one statement; its parameters are written `$1`, `$2` …, each of which may occur several times. */
  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]>
  /** As `inTurn`, where that can be done with less waiting. */
  readonly batch?: (statements: readonly Statement[]) => Promise<Row[][]>
}

/** Runs statements that do not build on what those before them gave, and resolves to the rows of each. The first that fails is the last. */
export const inTurn = async (db: Statements, statements: readonly Statement[]): Promise<Row[][]> => {
  if (db.batch) return db.batch(statements)
  const results: Row[][] = []
  for (const [sql, params] of statements) results.push(await db.query(sql, params))
  return results
}

interface Prepared {
  readonly statement: StatementSync
  /** Which parameter each `?` stands for; undefined when they are all in order. */
  readonly order: readonly number[] | undefined
}

/** More than any caller has distinct texts; what exceeds it is prepared anew. */
const cached = 512

/**
 * Statements on a SQLite connection, prepared once. A query is done when the call returns: its promise resolves without
 * letting go of the thread, so that awaiting one never lets another task of the event loop in between.
 */
export class SqliteStatements implements Statements {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, Prepared>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  async query<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): Promise<R[]> {
    return this.run<R>(sql, params)
  }

  /** As `query`, for those who know that this is SQLite. */
  run<R extends Row = Row>(sql: string, params: readonly SqlValue[] = []): R[] {
    const { statement, order } = this.#prepare(sql)
    const values = order ? order.map((index) => params[index] ?? null) : params
    return statement.all(...values) as unknown as R[]
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql)
    if (known) return known
    // node:sqlite binds by position only to `?`; `$1` and `?1` are names to it.
    const order: number[] = []
    const text = sql.replace(/\$(\d+)/g, (_, digits: string) => {
      order.push(Number(digits) - 1)
      return '?'
    })
    const statement = this.#db.prepare(text)
    statement.setReturnArrays(true)
    const prepared = { statement, order: order.every((index, at) => index === at) ? undefined : order }
    if (this.#prepared.size >= cached) this.#prepared.delete(this.#prepared.keys().next().value ?? '')
    this.#prepared.set(sql, prepared)
    return prepared
  }
}
