import { join } from 'node:path'
import type { BlobStore, Context, Fields, Logger } from '../../../core/index.ts'
import fsBlobs from '../../../modules/storage/blob/fs.ts'
import { Bodies } from '../../../modules/storage/imapsql/bodies/bodies.ts'
import { newLease } from '../../../modules/storage/imapsql/bodies/key.ts'
import { SharedCore } from '../../../modules/storage/imapsql/shared_core.ts'
import { SqliteEngine } from '../../../modules/storage/imapsql/sqlite_engine.ts'
import { SqlStorage } from '../../../modules/storage/imapsql/storage.ts'

export interface Process extends AsyncDisposable {
  readonly storage: SqlStorage
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
  await using stack = new AsyncDisposableStack()
  const logged: string[] = []
  const log = logger(logged)
  const engine = (onEvent: ConstructorParameters<typeof Object>[0]) =>
    SqliteEngine.open({ file, busyTimeout, cacheSize: 0, pragmas, onEvent, log })
  const core = stack.use(await SharedCore.open(engine, { dsn: file, runtime, log }))
  const store = files ? await filesIn(join(runtime, 'messages'), log, stack) : null
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
  return { storage, logged, [Symbol.asyncDispose]: () => held.disposeAsync() }
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
