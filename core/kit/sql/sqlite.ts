import { open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { SQLOutputValue, StatementSync } from 'node:sqlite'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { ConnectOptions, Database, Row, Value } from './database.ts'
import { placeholders } from './placeholders.ts'

/** Where a database is, and what its DSN asks for. */
export interface SqliteLocation {
  /** What SQLite is to open: an absolute path, `:memory:`, or a URI. */
  readonly name: string
  /** The file, absolute; undefined in memory. */
  readonly file: string | undefined
  readonly mode: 'ro' | 'rw' | 'rwc' | 'memory'
  /** Milliseconds. */
  readonly busyTimeout: number
  readonly journalMode: string
}

/**
 * Reads a path, `:memory:`, or a `file:` URI (https://sqlite.org/uri.html). The parameters that drivers for Go add,
 * `_busy_timeout` and `_journal_mode`, are understood, also after a bare path; the others of that kind mean nothing here.
 * Throws RangeError.
 */
export const sqliteLocation = (dsn: string, path: (written: string) => string): SqliteLocation => {
  const [, before = dsn, query = ''] = /^([^?]+)\?(.*)$/s.exec(dsn) ?? []
  const params = new URLSearchParams(query)
  const uri = before.startsWith('file:')
  const written = uri ? decoded(before.slice('file:'.length)) : before
  if (written === '') throw new RangeError('the path of the SQLite database is missing')
  const mode = accessMode(uri ? (params.get('mode') ?? 'rwc') : 'rwc')
  const common = {
    busyTimeout: Number(params.get('_busy_timeout') ?? params.get('_timeout') ?? 5000) || 0,
    journalMode: journal(params.get('_journal_mode') ?? params.get('_journal') ?? 'WAL'),
  }
  for (const name of [...params.keys()]) if (name.startsWith('_')) params.delete(name)
  const search = params.size > 0 ? `?${params}` : ''
  if (mode === 'memory' || written === ':memory:') {
    return { ...common, name: uri ? `${before}${search}` : written, file: undefined, mode: 'memory' }
  }
  const file = path(written)
  return { ...common, name: uri ? `${pathToFileURL(file).href}${search}` : file, file, mode }
}

const decoded = (path: string): string => {
  const [, authority, rest = path] = /^\/\/([^/]*)(\/.*)?$/s.exec(path) ?? []
  if (authority && authority !== 'localhost') throw new RangeError(`a file: URI has no host such as ${authority}`)
  try {
    return decodeURIComponent(rest.replace(/#.*$/s, ''))
  } catch (cause) {
    throw new RangeError(`${path} has a % that begins no character code`, { cause })
  }
}

const accessMode = (written: string): SqliteLocation['mode'] => {
  const known = (['ro', 'rw', 'rwc', 'memory'] as const).find((mode) => mode === written)
  if (!known) throw new RangeError(`mode of a SQLite database is ro, rw, rwc or memory, not ${written}`)
  return known
}

const journal = (written: string): string => {
  if (!/^(delete|truncate|persist|memory|wal|off)$/i.test(written)) {
    throw new RangeError(`_journal_mode is DELETE, TRUNCATE, PERSIST, MEMORY, WAL or OFF, not ${written}`)
  }
  return written
}

/** Opens a SQLite database, which is made, readable by its owner only, when its folder is there. Throws why it cannot. */
export const openSqlite = async (dsn: string, { path, named }: ConnectOptions): Promise<Database> => {
  const location = sqliteLocation(dsn, path)
  if (location.file !== undefined) await prepareFile(location.file, location.mode)
  try {
    return new Sqlite(location, named)
  } catch (cause) {
    throw new Error(`cannot open ${location.file ?? dsn}: ${reason(cause)}`, { cause })
  }
}

/** Throws what is wrong with the DSN, or that its folder is missing. The state directory is made by who starts. */
export const inspectSqlite = async (dsn: string, { path }: Pick<ConnectOptions, 'path'>): Promise<void> => {
  const { file } = sqliteLocation(dsn, path)
  if (file !== undefined && dirname(file) !== path('.')) await checkFolder(file)
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const checkFolder = async (file: string): Promise<void> => {
  const folder = await stat(dirname(file)).catch((cause) => {
    throw new Error(`cannot open ${file}: the folder ${dirname(file)} does not exist`, { cause })
  })
  if (!folder.isDirectory()) throw new Error(`cannot open ${file}: ${dirname(file)} is no folder`)
}

const prepareFile = async (file: string, mode: SqliteLocation['mode']): Promise<void> => {
  await checkFolder(file)
  if (mode !== 'rwc') return
  // SQLite would make it readable by everyone; its journal and shared memory take the mode of the file.
  const handle = await open(file, 'a', 0o600).catch(() => undefined) // why not, SQLite will tell, or read it all the same
  await handle?.close()
}

/** Statements are run on the main thread: in WAL mode no reader waits, and these tables are seldom written to. */
class Sqlite implements Database {
  readonly dialect = 'sqlite'
  readonly #db: DatabaseSync
  readonly #named: readonly string[] | undefined
  readonly #busyTimeout: number
  readonly #statements = new Map<string, { readonly statement: StatementSync; readonly order: readonly number[] }>()

  constructor({ name, mode, busyTimeout, journalMode }: SqliteLocation, named: readonly string[] | undefined) {
    this.#named = named
    this.#busyTimeout = busyTimeout
    this.#db = new DatabaseSync(name, {
      readOnly: mode === 'ro',
      timeout: busyTimeout,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: true, // as the SQLite of maddy has it, so that its queries go on working
    })
    try {
      if (mode === 'rw' || mode === 'rwc') this.#journal(journalMode)
      this.#db.exec('PRAGMA synchronous = FULL; SELECT 1 FROM sqlite_schema LIMIT 1; PRAGMA busy_timeout = 0')
    } catch (error) {
      this.#db.close()
      throw error
    }
  }

  /** Another process that is at work in the file may keep its mode from being changed; any mode will do. */
  #journal(mode: string): void {
    try {
      this.#db.exec(`PRAGMA journal_mode = ${mode}`)
    } catch (error) {
      if (!busy(error) && !readOnly(error)) throw error
    }
  }

  query(sql: string, params: readonly Value[] = []): Promise<readonly Row[]> {
    return this.#patiently(() => {
      const { statement, order } = this.#prepare(sql, params.length)
      const values = order.map((index) => params[index] ?? null)
      const rows: unknown = statement.all(
        ...values.map((value) => (typeof value === 'boolean' ? Number(value) : value)),
      )
      return (rows as SQLOutputValue[][]).map((row) => row.map(safely)) // arrays, by setReturnArrays
    })
  }

  async execute(sql: string): Promise<void> {
    // Half of them may be done when a lock is met, so this cannot begin anew, and waits inside SQLite instead.
    this.#db.exec(`PRAGMA busy_timeout = ${this.#busyTimeout}`)
    try {
      this.#db.exec(sql)
    } finally {
      this.#db.exec('PRAGMA busy_timeout = 0')
    }
  }

  async check(sql: string, params: number): Promise<void> {
    await this.#patiently(() => this.#prepare(sql, params))
  }

  #prepare(sql: string, params: number) {
    let prepared = this.#statements.get(sql)
    if (!prepared) {
      const { text, order } = placeholders(sql, this.#named)
      const statement = this.#db.prepare(text)
      statement.setReturnArrays(true)
      statement.setReadBigInts(true)
      prepared = { statement, order }
      if (this.#statements.size >= 100) this.#statements.clear() // of whoever makes up statements as it goes
      this.#statements.set(sql, prepared)
    }
    const missing = prepared.order.find((index) => index >= params)
    if (missing !== undefined) throw new RangeError(`parameter ${missing + 1} is wanted, but there are ${params}`)
    return prepared
  }

  /** Tries again while another connection holds a lock, without keeping the event loop from its work. */
  async #patiently<T>(run: () => T): Promise<T> {
    const deadline = performance.now() + this.#busyTimeout
    for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
      try {
        return run()
      } catch (error) {
        if (!busy(error) || performance.now() >= deadline) throw error
      }
      await setTimeout(pause)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#statements.clear()
    if (this.#db.isOpen) this.#db.close()
  }
}

const safely = (value: SQLOutputValue): Value =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value

/** The primary result code, https://sqlite.org/rescode.html. */
const code = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0

const busy = (error: unknown): boolean => code(error) === 5 || code(error) === 6 // BUSY, LOCKED

const readOnly = (error: unknown): boolean => code(error) === 8
