import { setTimeout as delay } from 'node:timers/promises'
import type { ClientConfig, PoolClient } from 'pg'
import pg from 'pg'
import type { Row, SqlValue, Statements } from '../writer/statements.ts'
import { isLost, writerError } from './failures.ts'
import type { StatementNames } from './statements.ts'
import { gather, PostgresStatements } from './statements.ts'

export interface ReaderOptions {
  readonly config: ClientConfig
  readonly names: StatementNames
  readonly connections: number
  /** How long a read goes on trying while the server cannot be reached; milliseconds. */
  readonly patience: number
}

/** Longer than any read should take; milliseconds. */
const longest = 60_000

/** Reads on a few connections, and again on others when one is lost on the way. */
export class PostgresReader implements Statements, AsyncDisposable {
  readonly #pool: pg.Pool
  readonly #names: StatementNames
  readonly #patience: number

  constructor({ config, names, connections, patience }: ReaderOptions) {
    this.#pool = new pg.Pool({
      ...config,
      max: connections,
      pipeline: true,
      query_timeout: longest,
      idle_in_transaction_session_timeout: longest,
      idleTimeoutMillis: 5 * 60_000,
      allowExitOnIdle: true,
    })
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
    this.#names = names
    this.#patience = patience
  }

  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]> {
    return this.#patiently((client) => new PostgresStatements(client, this.#names).query<R>(sql, params))
  }

  /** Several queries on one state of the database. They may be run again from the first one on, on another state. */
  read<T>(queries: (db: Statements) => Promise<T>): Promise<T> {
    return this.#patiently(async (client) => {
      gather(client)
      const begun = client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const statements = new PostgresStatements(client, this.#names)
      try {
        const [result] = await Promise.all([queries(statements), begun])
        return result
      } finally {
        await statements.settled()
        await client.query('COMMIT') // also ends what has failed
      }
    })
  }

  async #patiently<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#patience
    for (let pause = 20; ; pause = Math.min(2 * pause, 500)) {
      try {
        return await this.#once(work)
      } catch (error) {
        if (!isLost(error)) throw error
        if (performance.now() >= deadline) throw writerError(error)
      }
      await delay(pause * (0.5 + Math.random()))
    }
  }

  async #once<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    let failure: unknown
    try {
      return await work(client)
    } catch (error) {
      failure = error
      throw error
    } finally {
      client.release(failure !== undefined && isLost(failure))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}
