import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { SqlValue, Statements } from '../writer/statements.ts'
import { isConflict, isLost } from './failures.ts'
import { Sent } from './sent.ts'
import type { StatementNames } from './statements.ts'
import { gather, PostgresStatements } from './statements.ts'

/** One unit of writing, as a lane carries it out. */
export interface Unit {
  perform(db: Statements, emit: (event: unknown) => void): Promise<unknown>
  /** Numbers that others who write the same must not hold at the same time. */
  readonly locks: readonly number[]
  /** How long a statement of it may take, in milliseconds, before the connection is taken for lost. */
  readonly longest: number
}

export interface LaneOptions {
  readonly connect: () => Promise<pg.Client>
  readonly names: StatementNames
  /** Tells the locks of one database's tables from those of others in the same database. */
  readonly lockClass: number
  /** Statement to be run with COMMIT, for all that was emitted. */
  readonly telling: (
    events: readonly unknown[],
  ) => { readonly sql: string; readonly params: readonly SqlValue[] } | undefined
}

export type Result = { readonly value: unknown; readonly events: readonly unknown[] } | { readonly failure: unknown }

/** What one attempt at a transaction came to. */
export type Attempt =
  | { readonly done: true; readonly results: readonly Result[] }
  /** Nothing of it is in the database. `culprit` is the index of the unit that met the error, when it was one. */
  | {
      readonly done: false
      readonly error: unknown
      readonly why: 'lost' | 'conflict' | 'other'
      readonly culprit: number | undefined
    }
  /** COMMIT was sent, and no answer came. */
  | { readonly done: 'unknown'; readonly error: unknown; readonly results: readonly Result[]; readonly mark: Mark }

/** What a transaction has put into `tsmaddy_done`. */
export interface Mark {
  readonly lane: string
  readonly token: number
}

interface Connection {
  readonly client: pg.Client
  /** The name of its row in `tsmaddy_done`. */
  readonly lane: string
  token: number
}

/**
 * One connection that writes, made anew when it is lost. Each transaction first puts a number into the connection's own row
 * of `tsmaddy_done`, and so holds that row's lock until it ends: when the answer to COMMIT is lost, whoever then gets the
 * lock knows that the transaction has ended, and sees from the number how.
 */
export class Lane {
  readonly #options: LaneOptions
  #connected: Promise<Connection> | undefined
  #current: Connection | undefined

  constructor(options: LaneOptions) {
    this.#options = options
  }

  /** Carries out the units in one transaction. A unit that fails is undone alone. Never throws. */
  async attempt(units: readonly Unit[]): Promise<Attempt> {
    const progress: Progress = { culprit: undefined, committing: false, results: [] }
    let connection: Connection | undefined
    try {
      connection = await this.#connection()
      await this.#transaction(connection, units, progress)
      return { done: true, results: progress.results }
    } catch (error) {
      const lost = isLost(error) || error instanceof MarkerGone
      if (!lost) await this.#rollback(connection)
      else this.#drop(connection)
      if (lost && connection && progress.committing) {
        const { lane, token } = connection
        return { done: 'unknown', error, results: progress.results, mark: { lane, token } }
      }
      const why = lost ? 'lost' : isConflict(error) ? 'conflict' : 'other'
      return { done: false, error, why, culprit: progress.culprit }
    }
  }

  async #transaction(connection: Connection, units: readonly Unit[], progress: Progress): Promise<void> {
    const { client, lane } = connection
    const { names, lockClass, telling } = this.#options
    const statements = new PostgresStatements(client, names)
    const sent = new Sent(client)
    const token = ++connection.token
    const begun = sent.send(`BEGIN; UPDATE tsmaddy_done SET token = ${token}, at = now() WHERE lane = '${lane}'`)
    const locks = [...new Set(units.flatMap((unit) => unit.locks))].sort((a, b) => a - b)
    if (locks.length > 0) sent.later(statements.query(lockAll, [lockClass, `{${locks.join()}}`]))
    for (const unit of units) progress.results.push(await this.#unit(client, unit, { units, sent, progress }))
    if (progress.results.every((result) => 'failure' in result)) {
      await client.query('ROLLBACK')
      return
    }
    await sent.all()
    const [, marked] = (await begun) as unknown as pg.QueryResult[]
    if (marked?.rowCount !== 1) throw new MarkerGone('the row of this connection in tsmaddy_done is gone')
    const told = telling(progress.results.flatMap((result) => ('events' in result ? result.events : [])))
    gather(client)
    if (told) sent.later(statements.query(told.sql, told.params))
    progress.committing = true
    const { command } = await client.query('COMMIT')
    progress.committing = false
    await sent.all()
    if (command !== 'COMMIT') throw new Error(`the transaction ended with ${command}`)
  }

  async #unit(
    client: pg.Client,
    unit: Unit,
    { units, sent, progress }: { units: readonly Unit[]; sent: Sent; progress: Progress },
  ): Promise<Result> {
    const statements = new PostgresStatements(client, this.#options.names, unit.longest)
    const alone = units.length === 1
    const events: unknown[] = []
    if (!alone) sent.send('SAVEPOINT operation')
    try {
      const value = await unit.perform(statements, (event) => events.push(event))
      if (!alone) sent.send('RELEASE operation')
      return { value, events }
    } catch (error) {
      await statements.settled()
      await sent.all() // when something before has failed, that is why
      if (isLost(error) || isConflict(error)) {
        progress.culprit = progress.results.length
        throw error
      }
      if (!alone) sent.send('ROLLBACK TO operation; RELEASE operation')
      return { failure: error }
    }
  }

  /**
   * How a transaction ended whose COMMIT was not answered; waits until it has. Throws when that cannot be found out now.
   */
  async ended({ lane, token }: Mark): Promise<'committed' | 'undone'> {
    const connection = await this.#connection()
    try {
      const { rows } = await connection.client.query({
        text: 'SELECT token FROM tsmaddy_done WHERE lane = $1 FOR UPDATE',
        values: [lane],
        rowMode: 'array',
      })
      return rows[0]?.[0] === token ? 'committed' : 'undone'
    } catch (error) {
      if (isLost(error)) this.#drop(connection)
      throw error
    }
  }

  async #connection(): Promise<Connection> {
    this.#connected ??= this.#connect()
    try {
      return await this.#connected
    } catch (error) {
      this.#connected = undefined
      throw error
    }
  }

  async #connect(): Promise<Connection> {
    const client = await this.#options.connect()
    const connection = { client, lane: randomBytes(12).toString('hex'), token: 0 }
    try {
      await client.query(durable)
      await client.query(`INSERT INTO tsmaddy_done (lane, token) VALUES ('${connection.lane}', 0)`)
    } catch (error) {
      client.end().catch(() => undefined)
      throw error
    }
    client.on('end', () => this.#drop(connection))
    this.#current = connection
    return connection
  }

  #drop(connection: Connection | undefined): void {
    if (!connection) return
    if (this.#current === connection) {
      this.#current = undefined
      this.#connected = undefined
    }
    connection.client.end().catch(() => undefined)
  }

  async #rollback(connection: Connection | undefined): Promise<void> {
    try {
      await connection?.client.query('ROLLBACK')
    } catch {
      this.#drop(connection)
    }
  }

  /** Leaves, and with it goes its row. */
  async close(): Promise<void> {
    const connection = await this.#connected?.catch(() => undefined)
    if (!connection) return
    const { client, lane } = connection
    await client.query(`DELETE FROM tsmaddy_done WHERE lane = '${lane}'`).catch(() => undefined)
    await client.end().catch(() => undefined)
  }
}

interface Progress {
  culprit: number | undefined
  committing: boolean
  readonly results: Result[]
}

/** It had been idle for so long that somebody has tidied up. */
class MarkerGone extends Error {
  override readonly name = 'MarkerGone'
}

/** What an administrator has set is left, unless it is that COMMIT does not wait for the disk. */
const durable =
  "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

/** In ascending order, so that no two that take several wait for each other. */
const lockAll =
  'SELECT pg_advisory_xact_lock($1, n) FROM (SELECT n FROM unnest(CAST($2 AS int[])) AS n ORDER BY n) AS l'
