import type pg from 'pg'
import { gather } from './statements.ts'

/** Statements that nobody waits for one by one. */
export class Sent {
  readonly #client: pg.Client
  readonly #under: Promise<unknown>[] = []

  constructor(client: pg.Client) {
    this.#client = client
  }

  send(sql: string): Promise<pg.QueryResult> {
    gather(this.#client)
    return this.later(this.#client.query(sql))
  }

  later<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => undefined)
    this.#under.push(promise)
    return promise
  }

  /** Waits for all of them. Throws what the first that failed did. */
  async all(): Promise<void> {
    for (const each of this.#under.splice(0)) await each
  }
}
