import type { Statement, Statements } from '../../../../core/kit/sql/writer/index.ts'
import { inTurn } from '../../../../core/kit/sql/writer/statements.ts'

/** Bodies have been deleted, and need not be remembered for that any more. */
export const forgetDoomed = async (db: Statements, { keys }: { keys: readonly string[] }): Promise<void> => {
  for (const key of keys) await db.query('DELETE FROM tsmaddy_doomed WHERE id = $1', [key])
}

/** Says that the process with this lease lives, and may be writing bodies whose messages are yet to come. */
export const renewLease = async (db: Statements, { lease, now }: { lease: string; now: number }): Promise<void> => {
  await db.query(
    `INSERT INTO tsmaddy_leases (lease, alive) VALUES ($1, $2)
      ON CONFLICT (lease) DO UPDATE SET alive = excluded.alive`,
    [lease, now],
  )
}

/** No bodies of these leases are left without a message. */
export const endLeases = async (db: Statements, { leases }: { leases: readonly string[] }): Promise<void> => {
  for (const lease of leases) await db.query('DELETE FROM tsmaddy_leases WHERE lease = $1', [lease])
}

/** Remembers whether bodies are kept outside the database. */
export const noteExternal = async (db: Statements, { external }: { external: boolean }): Promise<void> => {
  if (!external) await db.query("DELETE FROM tsmaddy_meta WHERE name = 'external_bodies'")
  else {
    await db.query(
      "INSERT INTO tsmaddy_meta (name, value) VALUES ('external_bodies', '1') ON CONFLICT (name) DO NOTHING",
    )
  }
}

/** Puts pieces of a body into the database, whose message is yet to come; the first of them is number `part`. */
export const stageBody = async (
  db: Statements,
  { key, part, pieces }: { key: string; part: number; pieces: readonly Uint8Array[] },
): Promise<void> => {
  if (part === 0) await db.query('INSERT INTO tsmaddy_staged (id) VALUES ($1)', [key])
  await inTurn(db, pieceRows(key, part, pieces))
}

/** Statements that add pieces of a body, the first of which is number `from`. */
export const pieceRows = (key: string, from: number, pieces: readonly Uint8Array[]): Statement[] =>
  pieces.map((data, index) => [
    'INSERT INTO tsmaddy_blobs (id, part, data) VALUES ($1, $2, $3)',
    [key, from + index, data],
  ])

/** The body has its message now. Gives no row when it was taken for a leftover meanwhile. */
export const unstage = (key: string): Statement => ['DELETE FROM tsmaddy_staged WHERE id = $1 RETURNING id', [key]]

/** Deletes bodies that have no message yet; of others nothing happens. */
export const dropStaged = async (db: Statements, { keys }: { keys: readonly string[] }): Promise<void> => {
  for (const key of keys) {
    const staged = await db.query('DELETE FROM tsmaddy_staged WHERE id = $1 RETURNING id', [key])
    if (staged.length > 0) await db.query('DELETE FROM tsmaddy_blobs WHERE id = $1', [key])
  }
}
