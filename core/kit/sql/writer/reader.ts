import { DatabaseSync } from 'node:sqlite'
import type { Row, SqlValue, Statements } from './statements.ts'
import { SqliteStatements } from './statements.ts'

/**
 * A connection for short reads on the thread of the caller, which no writer keeps waiting (write-ahead log). It sees what
 * has been committed, and cannot write.
 */
export class SqliteReader implements Statements, Disposable {
  readonly #db: DatabaseSync
  readonly #statements: SqliteStatements
  #turn: Promise<unknown> = Promise.resolve()

  constructor(file: string, { cacheSize = 0 }: { cacheSize?: number } = {}) {
    this.#db = new DatabaseSync(file, { timeout: 5000 })
    this.#db.exec('PRAGMA query_only = ON')
    if (cacheSize !== 0) this.#db.exec(`PRAGMA cache_size = ${cacheSize}`)
    this.#statements = new SqliteStatements(this.#db)
  }

  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]> {
    return this.#statements.query<R>(sql, params)
  }

  /**
   * Runs several queries on one state of the database, one caller after the other. When they wait for anything but the
   * database, `query` sees that state meanwhile, too: a connection on which that is done is for such reads alone.
   */
  read<T>(queries: (db: Statements) => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      this.#statements.run('BEGIN')
      try {
        return await queries(this.#statements)
      } finally {
        this.#statements.run('COMMIT')
      }
    })
    this.#turn = done.catch(() => undefined)
    return done
  }

  [Symbol.dispose](): void {
    this.#db.close()
  }
}
