import { setImmediate as turn } from 'node:timers/promises'
import type { Snapshot } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'

export interface MailboxState extends Snapshot {
  readonly id: number
  readonly name: string
  readonly uidValidity: number
}

/** A mailbox as it is now; undefined when it does not exist. To be read on one state of the database, by a scan. */
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
  const uids = await uidsWhere(db, id, '1 = 1')
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
    recent: recent === 'all' ? new Set(await uidsWhere(db, id, 'recent = 1')) : recent,
    firstUnseen: unseen?.[0] ?? undefined,
    keywords: keywords.map(([keyword]) => keyword),
  }
}

/** UIDs read in one go: no longer than a few milliseconds. */
const page = 10_000

/** The UIDs of the messages that meet a condition, ascending. */
const uidsWhere = async (db: Statements, id: number, condition: string): Promise<number[]> => {
  const uids: number[] = []
  for (let after = 0; ; await turn()) {
    const rows = await db.query<[number]>(
      `SELECT msgid FROM msgs WHERE mboxid = $1 AND msgid > $2 AND ${condition} ORDER BY msgid LIMIT ${page}`,
      [id, after],
    )
    for (const [uid] of rows) uids.push(uid)
    if (rows.length < page) return uids
    after = uids.at(-1) ?? 0
  }
}
