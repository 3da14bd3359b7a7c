import { createHash } from 'node:crypto'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { companionRows, companionTables, mailboxNames, startsAsInbox } from './companions_postgres.ts'
import { maddyTables, quotaTables } from './maddy_postgres.ts'
import type { Migration } from './migrate.ts'
import { companionVersion, schemaVersion } from './migrate.ts'
import type { Found } from './plan.ts'
import type { Trigger } from './triggers_postgres.ts'
import { triggersIn } from './triggers_postgres.ts'

/** Where the tables are, or will be, and what was found there. */
export interface FoundThere extends Omit<Found, 'messages' | 'misnamed'> {
  /** Quoted. */
  readonly schema: string
}

/** Looks what there is, changing nothing. Throws when it is something that this code does not know. */
export const lookAtPostgres = async (db: Statements): Promise<FoundThere> => {
  const [[schema] = [null]] = await db.query<[string | null]>(
    `SELECT quote_ident(coalesce(
      (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = coalesce(to_regclass('mboxes'), to_regclass('schema_version'))),
      current_schema()))`,
  )
  if (schema === null) throw new Error('the search_path of the database names no schema that exists')
  if (!(await hasTable(db, 'schema_version'))) {
    if (await hasTable(db, 'mboxes')) throw new Error('the database has mailboxes but no schema_version')
    if (await hasTable(db, 'users')) throw new Error('the database has a table users, which is of another program')
    return { version: 0, companions: undefined, current: false, schema }
  }
  const [[version] = [0]] = await db.query<[number]>('SELECT version FROM schema_version')
  if (version > schemaVersion) {
    throw new Error(`the database has schema version ${version}, which is newer than ${schemaVersion}`)
  }
  if (version < 5)
    throw new Error(`the database has schema version ${version}; only 5 and ${schemaVersion} can be used`)
  const meta = (await hasTable(db, 'tsmaddy_meta'))
    ? await db.query<[string, string]>("SELECT name, value FROM tsmaddy_meta WHERE name IN ('version', 'triggers')")
    : undefined
  if (!meta) return { version, companions: undefined, current: false, schema }
  const own = new Map(meta)
  const companions = own.get('version') ?? '0'
  if (companions !== companionVersion) {
    throw new Error(`the database was written by another tsmaddy (its version ${companions})`)
  }
  return { version, companions, current: own.get('triggers') === print(schema), schema }
}

/** As `lookAtPostgres`, with all that is to be told of. */
export const previewPostgres = async (db: Statements): Promise<Found & FoundThere> => {
  const found = await lookAtPostgres(db)
  if (found.version === 0) return { ...found, messages: 0, misnamed: 0 }
  const [[messages, misnamed] = [0, 0]] = await db.query<[number, number]>(
    `SELECT (SELECT count(*) FROM msgs), (SELECT count(*) FROM mboxes WHERE ${startsAsInbox})`,
  )
  return { ...found, messages, misnamed }
}

/**
 * Brings a database to the version this code works with. To be run in one transaction, in which nobody else does the same.
 */
export const migratePostgres = async (db: Statements): Promise<Migration> => {
  const { version: from, companions, current, schema } = await lookAtPostgres(db)
  await db.query("SELECT set_config('search_path', $1, true)", [schema])
  if (from === 0) await run(db, maddyTables)
  if (from === 5) {
    await run(db, [
      'ALTER TABLE msgs ADD COLUMN recent INTEGER NOT NULL DEFAULT 1',
      `UPDATE schema_version SET version = ${schemaVersion}`,
    ])
  }
  const migration = { from, adopted: undefined, companionsFrom: undefined }
  if (current) {
    await run(db, [...mailboxNames, forgetLanes])
    return migration
  }
  // Whoever writes meanwhile waits, or else what he writes might be neither counted here nor by the triggers.
  await run(db, ['LOCK TABLE users, mboxes, msgs, flags, extkeys IN SHARE ROW EXCLUSIVE MODE', ...quotaTables])
  await run(db, mailboxNames)
  await run(db, companionTables)
  if (companions === undefined) await run(db, companionRows)
  for (const trigger of triggersIn(schema)) await run(db, statementsOf(trigger, schema))
  await setMeta(db, 'triggers', print(schema))
  if (companions !== undefined) return migration
  await setMeta(db, 'version', companionVersion)
  const [[adopted] = [0]] = await db.query<[number]>('SELECT count(*) FROM msgs')
  if (adopted > 0) await setMeta(db, 'external_bodies', '1')
  return { ...migration, adopted }
}

/** Connections that nobody will ask about any more. */
const forgetLanes = "DELETE FROM tsmaddy_done WHERE at < now() - interval '7 days'"

const statementsOf = ({ name, when, body }: Trigger, schema: string): readonly string[] => [
  `CREATE OR REPLACE FUNCTION ${schema}.${name}() RETURNS trigger LANGUAGE plpgsql AS $body$
  BEGIN ${body}
    RETURN NULL;
  END $body$`,
  `DROP TRIGGER IF EXISTS ${name} ON ${tableOf(when)}`,
  `CREATE TRIGGER ${name} ${when} EXECUTE FUNCTION ${schema}.${name}()`,
]

const tableOf = (when: string): string => / ON (\w+) /.exec(when)?.[1] ?? ''

/** Tells one text of tables, indexes and triggers from another. */
const print = (schema: string): string =>
  createHash('sha256')
    .update(JSON.stringify([companionTables, triggersIn(schema).map((trigger) => statementsOf(trigger, schema))]))
    .digest('hex')

const setMeta = (db: Statements, name: string, value: string): Promise<unknown> =>
  db.query(
    'INSERT INTO tsmaddy_meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    [name, value],
  )

const run = async (db: Statements, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await db.query(statement)
}

const hasTable = async (db: Statements, name: string): Promise<boolean> =>
  (await db.query('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [name])).length > 0
