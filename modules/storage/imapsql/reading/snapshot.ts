import type { Snapshot } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'

export interface MailboxState extends Snapshot {
  readonly id: number
  readonly name: string
  readonly uidValidity: number
}

/** A mailbox as it is now; undefined when it does not exist. To be read on one state of the database. */
export const readSnapshot = async (
  db: Statements,
  id: number,
  recent: 'all' | ReadonlySet<number>,
): Promise<MailboxState | undefined> => {
  const [row] = await db.query<[string, number, number, number]>(
    `SELECT b.name, b.uidvalidity, b.uidnext, t.modseq FROM mboxes b
      JOIN tsmaddy_mboxes t ON t.mboxid = b.id WHERE b.id = $1`,
    [id],
  )
  if (!row) return undefined
  const [name, uidValidity, uidNext, highestModseq] = row
  const uids = await column(db, 'SELECT msgid FROM msgs WHERE mboxid = $1 ORDER BY msgid', id)
  const [unseen] = await db.query<[number | null]>('SELECT min(msgid) FROM msgs WHERE mboxid = $1 AND seen = 0', [id])
  const keywords = await db.query<[string]>(
    'SELECT spelling FROM tsmaddy_keywords WHERE mboxid = $1 AND uses > 0 ORDER BY keyword',
    [id],
  )
  return {
    id,
    name,
    uidValidity,
    uids,
    uidNext,
    highestModseq,
    recent:
      recent === 'all'
        ? new Set(await column(db, 'SELECT msgid FROM msgs WHERE mboxid = $1 AND recent = 1', id))
        : recent,
    firstUnseen: unseen?.[0] ?? undefined,
    keywords: keywords.map(([keyword]) => keyword),
  }
}

const column = async (db: Statements, sql: string, id: number): Promise<number[]> => {
  const rows = await db.query<[number]>(sql, [id])
  return rows.map(([value]) => value)
}
