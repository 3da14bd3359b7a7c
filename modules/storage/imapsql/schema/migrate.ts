import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { accountSizes, companionRows, companionTables, mailboxNames, triggers } from './companions_sqlite.ts'
import { maddyTables, quotaTables } from './maddy_sqlite.ts'

/** The version of maddy's tables that this code reads and writes. */
export const schemaVersion = 6
/** The version of our own tables beside them: 2 has the sizes of accounts. */
export const companionVersion = '2'

export interface Migration {
  /** maddy's version found: 0 for an empty database. */
  readonly from: number
  /** Messages found that were written without our companion tables; undefined when these were there already. */
  readonly adopted: number | undefined
  /** The version of our own tables that was found, when it was another. */
  readonly companionsFrom: string | undefined
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
    const own = await companionsOf(db)
    if (own !== '1' && own !== companionVersion)
      throw new Error(`the database was written by another tsmaddy (its version ${own})`)
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
  const found = (await hasTable(db, 'tsmaddy_meta')) ? await companionsOf(db) : undefined
  await run(db, companionTables)
  if (found === undefined) await run(db, companionRows)
  if (found === '1') {
    await run(db, [accountSizes, `UPDATE tsmaddy_meta SET value = '${companionVersion}' WHERE name = 'version'`])
  }
  await renewTriggers(db)
  const companionsFrom = found === companionVersion ? undefined : found
  if (found !== undefined) return { from, adopted: undefined, companionsFrom }
  await db.query("INSERT INTO tsmaddy_meta (name, value) VALUES ('version', $1)", [companionVersion])
  const [[adopted] = [0]] = await db.query<[number]>('SELECT count(*) FROM msgs')
  if (adopted > 0) await db.query("INSERT INTO tsmaddy_meta (name, value) VALUES ('external_bodies', '1')")
  return { from, adopted, companionsFrom }
}

/** The version of our own tables. */
export const companionsOf = async (db: Statements): Promise<string> => {
  const [row] = await db.query<[string]>("SELECT value FROM tsmaddy_meta WHERE name = 'version'")
  return row?.[0] ?? '0'
}

const run = async (db: Statements, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await db.query(statement)
}

/** Makes the triggers that are missing, or say something else than they do here. */
const renewTriggers = async (db: Statements): Promise<void> => {
  for (const [name, trigger] of await oldTriggers(db)) await run(db, [`DROP TRIGGER IF EXISTS ${name}`, trigger])
}

/** The triggers that are to be made anew, by name. */
export const oldTriggers = async (db: Statements): Promise<[string, string][]> => {
  const rows = await db.query<[string, string]>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
  const there = new Map(rows)
  return triggers
    .map((trigger): [string, string] => [/^CREATE TRIGGER (\w+)/.exec(trigger)?.[1] ?? '', trigger])
    .filter(([name, trigger]) => there.get(name) !== trigger)
}

export const hasTable = async (db: Statements, name: string): Promise<boolean> =>
  (await db.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = $1", [name])).length > 0
