import type { Row, Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Condition } from '../ranges.ts'

/**
 * Takes back one reference for each message of a mailbox that meets the condition, whose parameters begin at `$2`. To be
 * called before these messages are deleted, and `doomUnreferenced` after that.
 */
export const releaseBodies = async (db: Statements, mailbox: number, { sql, params }: Condition): Promise<void> => {
  await db.query(
    `UPDATE extkeys SET refs = extkeys.refs - d.n FROM (
      SELECT extbodykey AS id, count(*) AS n FROM msgs
      WHERE mboxid = $1 AND extbodykey IS NOT NULL AND ${sql} GROUP BY extbodykey
    ) AS d WHERE extkeys.id = d.id`,
    [mailbox, ...params],
  )
}

/**
 * Removes the account's bodies that no message refers to any more. Those kept in the database go at once; the keys of
 * the others are written down, so that they are deleted after the commit however that ends, and are what this gives.
 */
export const doomUnreferenced = async (db: Statements, account: number): Promise<string[]> => {
  // Counts written by others may be too low; a body that a message still names is never deleted.
  await db.query(
    `UPDATE extkeys SET refs = (SELECT count(*) FROM msgs WHERE extbodykey = extkeys.id)
      WHERE uid = $1 AND refs <= 0 AND EXISTS (SELECT 1 FROM msgs WHERE extbodykey = extkeys.id)`,
    [account],
  )
  return doom(db, await db.query<[string]>('DELETE FROM extkeys WHERE uid = $1 AND refs <= 0 RETURNING id', [account]))
}

/** Removes all bodies of an account that has no messages left. */
export const doomAll = async (db: Statements, account: number): Promise<string[]> =>
  doom(db, await db.query<[string]>('DELETE FROM extkeys WHERE uid = $1 RETURNING id', [account]))

const doom = async (db: Statements, keys: readonly Row[]): Promise<string[]> => {
  const outside: string[] = []
  for (const [key] of keys as [string][]) {
    const inside = await db.query('DELETE FROM tsmaddy_blobs WHERE id = $1 RETURNING part', [key])
    if (inside.length > 0) continue
    await db.query('INSERT INTO tsmaddy_doomed (id) VALUES ($1) ON CONFLICT (id) DO NOTHING', [key])
    outside.push(key)
  }
  return outside
}
