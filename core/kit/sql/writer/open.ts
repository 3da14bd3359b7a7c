import { DatabaseSync } from 'node:sqlite'
import type { WorkerOptions } from './messages.ts'
import { SqliteStatements } from './statements.ts'

export interface WritingConnection {
  readonly db: DatabaseSync
  readonly statements: SqliteStatements
}

/**
 * Opens the connection that writes. `synchronous=FULL` makes COMMIT return only once the write-ahead log is on the disk,
 * and without `foreign_keys` the cascades of the schema silently do nothing.
 */
export const openForWriting = ({ file, busyTimeout, pragmas }: WorkerOptions): WritingConnection => {
  const db = new DatabaseSync(file, { timeout: busyTimeout, enableForeignKeyConstraints: true })
  try {
    const [mode] = Object.values(db.prepare('PRAGMA journal_mode = WAL').get() ?? {})
    if (mode !== 'wal') throw new Error(`${file} cannot have a write-ahead log (journal mode ${String(mode)})`)
    // Fewer, larger checkpoints: each one costs two fsyncs in the middle of somebody's delivery.
    db.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864')
    // What a savepoint may have to undo is kept in a temporary file otherwise, which is written to far more than the log.
    db.exec('PRAGMA temp_store = MEMORY')
    for (const [name, value] of Object.entries(pragmas)) db.exec(`PRAGMA ${name} = ${value}`)
  } catch (error) {
    db.close()
    throw error
  }
  return { db, statements: new SqliteStatements(db) }
}
