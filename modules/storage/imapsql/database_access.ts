import type { Context } from '../../../core/index.ts'
import { ConfigError } from '../../../core/index.ts'
import { inspect } from '../../../core/kit/sql/database.ts'
import { sqliteLocation } from '../../../core/kit/sql/sqlite.ts'
import { planOf } from './schema/plan.ts'
import { SharedCore } from './shared_core.ts'
import { previewSqlite, SqliteEngine } from './sqlite_engine.ts'
import { pipeUpdates } from './updates/pipe_updates.ts'

/** How the database that a configuration names is got at. */
export interface DatabaseAccess {
  /** The same for the same database. */
  readonly key: string
  open(): Promise<SharedCore>
  /** Throws what is wrong with the DSN, without touching the database. */
  inspect(): Promise<void>
  /** Says what `open` would do to the tables, changing nothing. Throws what would keep it from that. */
  preview(): Promise<string[]>
}

/** Throws ConfigError for a driver that there is not, RangeError for a DSN that cannot be one. */
export const databaseAccess = (
  driver: string,
  dsn: string,
  sqlite: { readonly cacheSize: number; readonly busyTimeout: number },
  context: Context,
): DatabaseAccess => {
  if (driver === 'postgres') return postgres(dsn, context)
  if (driver === 'sqlite3' || driver === 'sqlite') return inFile(dsn, sqlite, context)
  throw new ConfigError(context.at, `there is no driver ${driver}: expected sqlite3 or postgres`)
}

const inFile = (
  dsn: string,
  settings: { readonly cacheSize: number; readonly busyTimeout: number },
  { path, directories, log }: Context,
): DatabaseAccess => {
  const { file } = sqliteLocation(dsn, path)
  if (file === undefined) throw new RangeError('mail cannot be kept in memory: dsn has to be the path of a file')
  return {
    key: `imapsql ${file}`,
    open: () =>
      SharedCore.open(
        ({ committed: onEvent }) => SqliteEngine.open({ file, ...settings, onEvent, log }),
        (hears) => pipeUpdates(hears, { dsn, runtime: directories.runtime, log }),
        log,
      ),
    inspect: async () => undefined,
    async preview() {
      const found = await previewSqlite(file)
      return described(file, found ? planOf(found) : ['make the file, which does not exist, with its tables'])
    },
  }
}

const postgres = (dsn: string, { path, log }: Context): DatabaseAccess => ({
  key: `imapsql postgres ${dsn}`,
  async open() {
    const { PostgresEngine } = await import('./postgres_engine.ts')
    return SharedCore.open(
      // The engine tells the others itself, in the transaction.
      (changes) => PostgresEngine.open({ dsn, path, log, onEvent: (event) => changes.apply(event) }),
      (hears, engine) => engine.updates(hears),
      log,
    )
  },
  inspect: () => inspect('postgres', dsn, { path }),
  async preview() {
    const { previewPostgresPlan } = await import('./postgres_engine.ts')
    const { place, plan } = await previewPostgresPlan(dsn, path)
    return described(place, plan)
  },
})

const described = (place: string, plan: readonly string[]): string[] =>
  plan.length === 0 ? [`${place}: nothing would be changed`] : plan.map((step) => `${place}: a start would ${step}`)
