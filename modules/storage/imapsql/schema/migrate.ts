import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { companionRows, companionTables, mailboxNames, triggers } from './companions_sqlite.ts'
import { maddyTables, quotaTables } from './maddy_sqlite.ts'

/** The version of maddy's tables that this code reads and writes. */
export const schemaVersion = 6
/** The version of our own tables beside them. */
export const companionVersion = '1'

export interface Migration {
  /** maddy's version found: 0 for an empty database. */
  readonly from: number
  /** Messages found that were written without our companion tables; undefined when these were there already. */
  readonly adopted: number | undefined
}

/** The version of maddy's schema: 0 when there is none. Throws when it is one that this code does not know. */
export const checkVersion = async (db: Statements): Promise<number> => {
  if (!(await hasTable(db, 'schema_version'))) {
    if (await hasTable(db, 'mboxes')) throw new Error('the database has mailboxes but no schema_version')
    return 0
  }
  const [[version] = [0]] = await db.query<[number]>('SELECT version FROM schema_version')
  if (version > schemaVersion) {
    throw new Error(`the database has schema version ${version}, which is newer than ${schemaVersion}`)
  }
  if (version < 5)
    throw new Error(`the database has schema version ${version}; only 5 and ${schemaVersion} can be used`)
  if (await hasTable(db, 'tsmaddy_meta')) {
    const [[own] = ['0']] = await db.query<[string]>("SELECT value FROM tsmaddy_meta WHERE name = 'version'")
    if (own !== companionVersion) throw new Error(`the database was written by another tsmaddy (its version ${own})`)
  }
  return version
}

/** Brings a database to the version this code works with, all or nothing. */
export const migrateSqlite = async (db: Statements): Promise<Migration> => {
  const from = await checkVersion(db)
  if (from === 0) await run(db, maddyTables)
  if (from === 5) {
    await run(db, [
      'ALTER TABLE msgs ADD COLUMN recent INTEGER NOT NULL DEFAULT 1',
      `UPDATE schema_version SET version = ${schemaVersion}`,
    ])
  }
  await run(db, quotaTables)
  await run(db, mailboxNames)
  const known = await hasTable(db, 'tsmaddy_meta')
  await run(db, companionTables)
  if (!known) await run(db, companionRows)
  await renewTriggers(db)
  if (known) return { from, adopted: undefined }
  await db.query("INSERT INTO tsmaddy_meta (name, value) VALUES ('version', $1)", [companionVersion])
  const [[adopted] = [0]] = await db.query<[number]>('SELECT count(*) FROM msgs')
  if (adopted > 0) await db.query("INSERT INTO tsmaddy_meta (name, value) VALUES ('external_bodies', '1')")
  return { from, adopted }
}

const run = async (db: Statements, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await db.query(statement)
}

/** Makes the triggers that are missing, or say something else than they do here. */
const renewTriggers = async (db: Statements): Promise<void> => {
  const rows = await db.query<[string, string]>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
  const there = new Map(rows)
  for (const trigger of triggers) {
    const [, name = ''] = /^CREATE TRIGGER (\w+)/.exec(trigger) ?? []
    if (there.get(name) === trigger) continue
    await run(db, [`DROP TRIGGER IF EXISTS ${name}`, trigger])
  }
}

const hasTable = async (db: Statements, name: string): Promise<boolean> =>
  (await db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = $1", [name])).length > 0
