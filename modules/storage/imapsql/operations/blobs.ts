import type { Statements } from '../../../../core/kit/sql/writer/index.ts'

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
