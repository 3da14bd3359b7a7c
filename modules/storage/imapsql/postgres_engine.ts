import { createHash, randomBytes } from 'node:crypto'
import type pg from 'pg'
import type { ClientConfig } from 'pg'
import type { Logger } from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import { connectClient, findPostgres } from '../../../core/kit/sql/postgres_server.ts'
import {
  PostgresListener,
  PostgresReader,
  PostgresStatements,
  PostgresWriter,
  StatementNames,
} from '../../../core/kit/sql/postgres_writer/index.ts'
import type { Row, SqlValue, Statements } from '../../../core/kit/sql/writer/index.ts'
import { WriterError } from '../../../core/kit/sql/writer/index.ts'
import type { Engine, OnEvent, OperationName } from './engine.ts'
import type { StorageEvent } from './events.ts'
import { AccountLocks } from './locks.ts'
import * as operations from './operations/index.ts'
import type { Migration } from './schema/migrate.ts'
import { lookAtPostgres, migratePostgres, previewPostgres } from './schema/migrate_postgres.ts'
import { planOf } from './schema/plan.ts'
import { fromPayload, isOurs, maddyChannel, maddyNotices, payloadsOf } from './updates/notices.ts'
import type { Hears, Updates } from './updates/updates.ts'

export interface PostgresEngineOptions {
  readonly dsn: string
  readonly path: (written: string) => string
  readonly onEvent: OnEvent
  readonly log: Logger
  /** How long it is tried again while the server cannot be reached, or others are in the way; milliseconds, 5000 when left out. */
  readonly patience?: number
}

type Operation = (db: Statements, args: never, emit: (event: unknown) => void) => Promise<unknown>

const byName: Readonly<Record<OperationName, Operation>> = operations

/** Connections that write, that read, and that read much. */
const lanes = 4
const readers = 4
const scanners = 2

/** How long a statement may take that writes, and one that deletes any number of messages; milliseconds. */
const longest = 60_000
const longestDeletion = 15 * 60_000
const deletions: readonly string[] = ['deleteAccount', 'deleteMailbox'] satisfies OperationName[]

/** PostgreSQL: a few connections that write in groups, and a few that read. */
export class PostgresEngine implements Engine {
  /** How this process is called in updates. */
  readonly #self = `${process.pid}-tsmaddy-${randomBytes(8).toString('hex')}`
  readonly #config: ClientConfig
  readonly #channel: string
  readonly #writer: PostgresWriter
  readonly #reader: PostgresReader
  readonly #scanner: PostgresReader
  readonly #locks: AccountLocks
  readonly #log: Logger

  private constructor(config: ClientConfig, schema: string, { onEvent, log, patience = 5000 }: PostgresEngineOptions) {
    const names = new StatementNames()
    this.#config = config
    this.#channel = channelOf(schema)
    this.#log = log
    this.#reader = new PostgresReader({ config, names, connections: readers, patience })
    this.#scanner = new PostgresReader({ config, names, connections: scanners, patience })
    this.#locks = new AccountLocks(this.#reader)
    this.#writer = new PostgresWriter({
      connect: () =>
        connectClient({
          ...config,
          pipeline: true,
          query_timeout: longest,
          lock_timeout: patience, // for what other programs hold
          // One that has lost its client is not to keep what it has locked.
          idle_in_transaction_session_timeout: 15_000,
        }),
      names,
      lanes,
      patience,
      lockClass: lockClass(schema),
      telling: (events) => this.#telling(events as StorageEvent[]),
      onEvent: (event) => onEvent(event as StorageEvent),
    })
  }

  /** Connects, and makes or upgrades the tables. Throws, having changed nothing, when they are not ours or maddy's. */
  static async open(options: PostgresEngineOptions): Promise<PostgresEngine> {
    const { dsn, path, log } = options
    const { config } = await findPostgres(dsn, { path })
    const { schema, from, adopted } = await migrate(config)
    if (from === 0) log.info('database tables made', { schema })
    if (from === 5) log.info('database upgraded', { from, to: 6 })
    if (adopted) log.info('database adopted', { msgs: adopted })
    return new PostgresEngine(config, schema, options)
  }

  async run(...[name, args, bytes = 0]: Parameters<Engine['run']>): Promise<never> {
    const operation = byName[name]
    const prepare = async () => {
      const given: unknown = typeof args === 'function' ? await args() : args
      return {
        locks: await this.#locks.of(given),
        longest: deletions.includes(name) ? longestDeletion : longest,
        perform: (db: Statements, emit: (event: unknown) => void) => operation(db, given as never, emit),
      }
    }
    try {
      return (await this.#writer.run(prepare, bytes)) as never
    } catch (error) {
      throw refusal(error)
    }
  }

  query<R extends Row = Row>(sql: string, params?: readonly SqlValue[]): Promise<R[]> {
    return this.#reader.query<R>(sql, params)
  }

  read<T>(queries: (db: Statements) => Promise<T>): Promise<T> {
    return this.#reader.read(queries)
  }

  scan<T>(queries: (db: Statements) => Promise<T>): Promise<T> {
    return this.#scanner.read(queries)
  }

  /** Hears what other processes change, and what maddies do. */
  async updates(hears: Hears): Promise<Updates> {
    const sending = new Set<Promise<unknown>>()
    const listener = await PostgresListener.open([this.#channel], {
      config: this.#config,
      onNotification: (channel, payload) => this.#heard(channel, payload, hears),
      onGap: () => hears.everything(),
      onTrouble: (error) => this.#log.error('updates from other processes are not received', error),
    })
    return {
      send: (event) => {
        const telling = this.#telling([event])
        if (!telling) return
        const sent = this.#reader
          .query(telling.sql, telling.params)
          .catch((error) => this.#log.error('update not sent', error))
          .finally(() => sending.delete(sent))
        sending.add(sent)
      },
      follow: (mailbox, open) => (open ? listener.add(maddyChannel(mailbox)) : listener.remove(maddyChannel(mailbox))),
      [Symbol.asyncDispose]: async () => {
        await Promise.all(sending)
        await listener[Symbol.asyncDispose]()
      },
    }
  }

  #heard(channel: string, payload: string, hears: Hears): void {
    try {
      if (channel === this.#channel) {
        for (const notice of fromPayload(payload, this.#self)) {
          if ('event' in notice) hears.event(notice.event)
          else hears.mailbox(notice.mailbox, notice.now)
        }
      } else if (!isOurs(payload.slice(0, payload.indexOf(';')))) {
        hears.mailbox(Number(channel.replace(/^\D*64_/, '')))
      }
    } catch (error) {
      this.#log.error('malformed update', error)
    }
  }

  #telling(events: readonly StorageEvent[]): { sql: string; params: readonly SqlValue[] } | undefined {
    if (events.length === 0) return undefined
    const own = payloadsOf(this.#self, events).map((payload) => [this.#channel, payload])
    return { sql: notifyAll, params: [JSON.stringify([...own, ...maddyNotices(this.#self, events)])] }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]()
    await this.#reader[Symbol.asyncDispose]()
    await this.#scanner[Symbol.asyncDispose]()
  }
}

const notifyAll = 'SELECT pg_notify(n ->> 0, n ->> 1) FROM json_array_elements(CAST($1 AS json)) AS n'

/** Of the processes of ours that use the tables of a schema; no longer than a name may be. */
const channelOf = (schema: string): string =>
  /^\w{1,40}$/.test(schema) ? `tsmaddy_${schema}` : `tsmaddy_${hash(schema).toString('hex', 0, 16)}`

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The first of the two numbers of our locks. The second is an account, or `migrating`. */
const lockClass = (schema: string): number => hash(`tsmaddy ${schema}`).readInt32BE()
const migrating = -1

/** In one transaction, which others who start at the same time wait for. */
const migrate = async (config: ClientConfig): Promise<Migration & { schema: string }> => {
  const client = await connectClient({ ...config, lock_timeout: 10 * 60_000 })
  try {
    const db = new PostgresStatements(client, new StatementNames())
    await client.query('BEGIN READ ONLY')
    const { schema } = await lookAtPostgres(db)
    await client.query('COMMIT; BEGIN')
    await db.query('SELECT pg_advisory_xact_lock($1, $2)', [lockClass(schema), migrating])
    const migration = await migratePostgres(db)
    await committed(client)
    return { ...migration, schema }
  } finally {
    await client.end().catch(() => undefined) // whatever is not committed is undone
  }
}

/** Where the tables are, and what a start would do to them. Throws when they are not ours or maddy's. */
export const previewPostgresPlan = async (
  dsn: string,
  path: (written: string) => string,
): Promise<{ place: string; plan: string[] }> => {
  const { config, place } = await findPostgres(dsn, { path })
  const client = await connectClient(config)
  try {
    await client.query('BEGIN READ ONLY')
    const found = await previewPostgres(new PostgresStatements(client, new StatementNames()))
    return { place: `PostgreSQL at ${place}, schema ${found.schema}`, plan: planOf(found) }
  } finally {
    await client.end().catch(() => undefined)
  }
}

const committed = async (client: pg.Client): Promise<void> => {
  const { command } = await client.query('COMMIT')
  if (command !== 'COMMIT') throw new Error(`the upgrade of the database ended with ${command}`)
}

/** The StorageError that an operation meant, or the error as it is. */
const refusal = (error: unknown): unknown => {
  if (!(error instanceof WriterError) || error.thrown.name !== 'Refusal') return error
  return new StorageError(error.thrown.fields.kind as StorageError['kind'], error.message, { cause: error })
}
