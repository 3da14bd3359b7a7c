import { join } from 'node:path'
import type { BlobStore, Context, Fields, Logger } from '../../../core/index.ts'
import fsBlobs from '../../../modules/storage/blob/fs.ts'
import { Bodies } from '../../../modules/storage/imapsql/bodies/bodies.ts'
import { newLease } from '../../../modules/storage/imapsql/bodies/key.ts'
import type { Engine } from '../../../modules/storage/imapsql/engine.ts'
import { PostgresEngine } from '../../../modules/storage/imapsql/postgres_engine.ts'
import { SharedCore } from '../../../modules/storage/imapsql/shared_core.ts'
import { SqliteEngine } from '../../../modules/storage/imapsql/sqlite_engine.ts'
import { SqlStorage } from '../../../modules/storage/imapsql/storage.ts'
import { pipeUpdates } from '../../../modules/storage/imapsql/updates/pipe_updates.ts'

export interface Process extends AsyncDisposable {
  readonly storage: SqlStorage
  readonly engine: Engine
  /** The events logged, with the reason of an error. */
  readonly logged: readonly string[]
}

interface ProcessOptions {
  /** Settings of the writing connection. */
  readonly pragmas?: Readonly<Record<string, number>>
  readonly busyTimeout?: number
  /** Bodies are files in `messages` beside the database, and not in it. */
  readonly files?: boolean
}

/** A storage on a database file as another process would have it: with nothing shared but the file and the socket. */
export const newProcess = async (
  file: string,
  runtime: string,
  { pragmas = {}, busyTimeout = 5000, files = false }: ProcessOptions = {},
): Promise<Process> => {
  const open = (log: Logger): Promise<SharedCore> =>
    SharedCore.open(
      ({ committed: onEvent }) => SqliteEngine.open({ file, busyTimeout, cacheSize: 0, pragmas, onEvent, log }),
      (hears) => pipeUpdates(hears, { dsn: file, runtime, log }),
      log,
    )
  return processOn(open, files ? join(runtime, 'messages') : undefined)
}

/** The same on PostgreSQL, where it shares nothing but the database. */
export const postgresProcess = async (
  dsn: string,
  { patience = 5000, folder }: { readonly patience?: number; readonly folder?: string } = {},
): Promise<Process> => {
  const open = (log: Logger): Promise<SharedCore> =>
    SharedCore.open(
      (changes) =>
        PostgresEngine.open({ dsn, path: (path) => path, log, patience, onEvent: (event) => changes.apply(event) }),
      (hears, engine) => engine.updates(hears),
      log,
    )
  return processOn(open, folder)
}

/** Bodies are files in the folder, or in the database. */
const processOn = async (open: (log: Logger) => Promise<SharedCore>, folder: string | undefined): Promise<Process> => {
  await using stack = new AsyncDisposableStack()
  const logged: string[] = []
  const log = logger(logged)
  const core = stack.use(await open(log))
  const store = folder === undefined ? null : await filesIn(folder, log, stack)
  const bodies = new Bodies(core.engine, store, { compression: undefined, lease: newLease(), log })
  const storage = new SqlStorage({
    open: async () => ({
      engine: core.engine,
      changes: core.changes,
      bodies,
      log,
      recentForAll: true,
      appendLimit: 2 ** 25,
    }),
    accountOf: async (name) => name.toLowerCase(),
    accountOfLogin: async (name) => name.toLowerCase(),
    filters: [],
    junkMailbox: 'Junk',
    specialFolders: [],
    log,
  })
  await storage.start(stack)
  const held = stack.move()
  return { storage, engine: core.engine, logged, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const filesIn = async (folder: string, log: Logger, held: AsyncDisposableStack): Promise<BlobStore> => {
  const made = fsBlobs.create({ root: folder, inline: undefined }, { path: (path) => path, log } as Context)
  await made.start?.(held)
  return made
}

const logger = (lines: string[]): Logger => ({
  debugging: false,
  with: (_fields: Fields) => logger(lines),
  part: () => logger(lines),
  debug: () => undefined,
  info: (event) => void lines.push(event),
  error: (event, error) => void lines.push(`${event}: ${error instanceof Error ? error.message : error}`),
})
