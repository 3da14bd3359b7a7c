import type { Connection, PoolClient, PoolConfig, Submittable } from 'pg'
import pg from 'pg'
import type { ConnectOptions, Database, Row, Value } from './database.ts'
import { findPostgres } from './postgres_server.ts'

/** Longer than any look-up should take; one that hangs must not hang a session. Milliseconds. */
const queryTimeout = 30_000

/**
 * Opens a pool of connections to PostgreSQL and makes one of them. A server that goes away later makes queries throw
 * until it is back, and nothing else. Throws what is wrong with the DSN, or why the server cannot be had.
 */
export const connectPostgres = async (dsn: string, options: ConnectOptions): Promise<Database> => {
  const { config } = await findPostgres(dsn, options)
  return new Postgres(config)
}

class Postgres implements Database {
  readonly dialect = 'postgres'
  readonly #pool: pg.Pool

  constructor(config: PoolConfig) {
    this.#pool = new pg.Pool({ ...config, max: 10, allowExitOnIdle: true })
    // Without listeners the loss of a connection would end the process. Whoever asks next gets a new one, or the error.
    this.#pool.on('error', () => undefined)
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
  }

  query(text: string, params: readonly Value[] = []): Promise<readonly Row[]> {
    return this.#with(async (client) => {
      // The extended protocol also without parameters, so that a second statement is always refused.
      const config = { text, values: [...params], rowMode: 'array' as const, queryMode: 'extended' }
      const { rows } = await client.query<Value[]>({ ...config, ...{ query_timeout: queryTimeout } })
      return rows
    })
  }

  execute(sql: string): Promise<void> {
    return this.#with(async (client) => {
      await client.query(sql)
    })
  }

  check(sql: string): Promise<void> {
    return this.#with((client) => client.query(new Parse(sql)).done)
  }

  /** Gives the connection back afterwards, but for one that failed otherwise than by an answer of the server. */
  async #with<T>(run: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    let usable = false
    try {
      const result = await run(client)
      usable = true
      return result
    } catch (error) {
      usable = error instanceof pg.DatabaseError && error.severity === 'ERROR'
      throw error
    } finally {
      client.release(!usable)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end()
  }
}

/** Has the server parse a statement and does not run it; `pg` itself only does both in one. */
class Parse implements Submittable {
  readonly #text: string
  readonly #outcome = Promise.withResolvers<void>()

  constructor(text: string) {
    this.#text = text
  }

  get done(): Promise<void> {
    return this.#outcome.promise
  }

  submit(connection: Connection): void {
    connection.parse({ name: '', text: this.#text, types: [] }, true)
    connection.sync()
  }

  handleError(error: Error): void {
    this.#outcome.reject(error)
  }

  handleReadyForQuery(): void {
    this.#outcome.resolve()
  }
}
