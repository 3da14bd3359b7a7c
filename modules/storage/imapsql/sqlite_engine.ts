import { existsSync } from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Logger } from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import type { Row, SqlValue, Statements } from '../../../core/kit/sql/writer/index.ts'
import {
  SqliteReader,
  SqliteStatements,
  SqlWriter,
  sqliteCode,
  WriterError,
} from '../../../core/kit/sql/writer/index.ts'
import type { Engine, OnEvent, Operations } from './engine.ts'
import { startsAsInbox } from './schema/companions_sqlite.ts'
import { checkVersion, companionsOf, companionVersion, hasTable, oldTriggers } from './schema/migrate.ts'
import type { Found } from './schema/plan.ts'

export interface SqliteOptions {
  /** Absolute path of the database. */
  readonly file: string
  /** Milliseconds. */
  readonly busyTimeout: number
  /** As in `PRAGMA cache_size`; 0 leaves SQLite's own. */
  readonly cacheSize: number
  /** Further settings of the writing connection. */
  readonly pragmas?: Readonly<Record<string, string | number>>
  readonly onEvent: OnEvent
  readonly log: Logger
}

/** SQLite: a writer in its own thread, and in this one a connection for short reads and one for long ones. */
export class SqliteEngine implements Engine {
  readonly #writer: SqlWriter<Operations>
  readonly #reader: SqliteReader
  readonly #scanner: SqliteReader

  private constructor(writer: SqlWriter<Operations>, reader: SqliteReader, scanner: SqliteReader) {
    this.#writer = writer
    this.#reader = reader
    this.#scanner = scanner
  }

  /** Opens the database, making or upgrading it. Throws, having changed nothing, when it is not one of ours or maddy's. */
  static async open({ file, busyTimeout, cacheSize, pragmas, onEvent, log }: SqliteOptions): Promise<SqliteEngine> {
    await makeFile(file)
    await refuseUnknown(file)
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const writer = await SqlWriter.open<Operations>({
      file,
      operations: new URL(`./operations/index.${extension}`, import.meta.url),
      onEvent: (event) => onEvent(event as Parameters<OnEvent>[0]),
      busyTimeout,
      pragmas: { ...(cacheSize !== 0 && { cache_size: cacheSize }), ...pragmas },
    })
    try {
      const { from, adopted, companionsFrom } = await writer.run('migrate', undefined as never)
      if (from === 5) log.info('database upgraded', { from, to: 6 })
      if (companionsFrom) log.info('database upgraded', { companions: `${companionsFrom} to ${companionVersion}` })
      if (adopted) log.info('database adopted', { msgs: adopted })
      return new SqliteEngine(writer, new SqliteReader(file, { cacheSize }), new SqliteReader(file))
    } catch (error) {
      await writer[Symbol.asyncDispose]()
      throw error
    }
  }

  async run(...[name, args, bytes = 0]: Parameters<Engine['run']>): Promise<never> {
    try {
      return (await this.#writer.run(name, args as never, { bytes })) as never
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#reader[Symbol.dispose]()
    this.#scanner[Symbol.dispose]()
    await this.#writer[Symbol.asyncDispose]()
  }
}

/** The StorageError that an operation meant, or the error as it is. */
const refusal = (error: unknown): unknown => {
  if (!(error instanceof WriterError) || error.thrown.name !== 'Refusal') return error
  return new StorageError(error.thrown.fields.kind as StorageError['kind'], error.message, { cause: error })
}

/** Mail is nobody else's business: a database that is made here is for its owner alone. */
const makeFile = async (file: string): Promise<void> => {
  try {
    const handle = await open(file, 'wx', 0o600)
    await handle.close()
    await chmod(file, 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

/** Looks at the version without writing; opening for writing turns on the write-ahead log, which is a change. */
const refuseUnknown = async (file: string): Promise<void> => {
  try {
    await look(file, true)
  } catch (error) {
    // Somebody died while writing, and what was half done has to be undone before anything can be read.
    if (sqliteCode(error) !== readOnly) throw error
    await look(file, false)
  }
}

/** What is in a file, without changing it; undefined when there is none. Throws when it is not one of ours or maddy's. */
export const previewSqlite = async (file: string): Promise<Found | undefined> => {
  if (!existsSync(file)) return undefined
  using db = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  const statements = new SqliteStatements(db)
  const version = await checkVersion(statements)
  if (version === 0) return { version, companions: undefined, current: false, messages: 0, misnamed: 0 }
  const [[messages, misnamed] = [0, 0]] = await statements.query<[number, number]>(
    `SELECT (SELECT count(*) FROM msgs), (SELECT count(*) FROM mboxes WHERE ${startsAsInbox})`,
  )
  const companions = (await hasTable(statements, 'tsmaddy_meta')) ? await companionsOf(statements) : undefined
  return { version, companions, current: (await oldTriggers(statements)).length === 0, messages, misnamed }
}

const readOnly = 8 // SQLITE_READONLY

const look = async (file: string, only: boolean): Promise<void> => {
  const db = new DatabaseSync(file, { readOnly: only, timeout: 5000 })
  try {
    await checkVersion(new SqliteStatements(db))
  } finally {
    db.close()
  }
}
