import type { UidRange } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { normalRanges, rangeConditions, rangesOf } from '../ranges.ts'
import { forgetExpunged, lockMailbox, modseqOf } from './mailbox_row.ts'
import { doomUnreferenced, releaseBodies } from './unreferenced.ts'

export interface Expunge {
  readonly mailbox: number
  /** Null for the whole mailbox. */
  readonly uids: readonly UidRange[] | null
  readonly origin: number
}

/** Messages removed at most by one operation, so that it keeps no other waiting for long. */
const atOnce = 5000

/**
 * Removes messages that have \Deleted, though not all at once: `more` says that others may be left. Resolves to their UIDs
 * and to the keys of bodies to be deleted outside.
 */
export const expunge = async (
  db: Statements,
  { mailbox, uids, origin }: Expunge,
  emit: Emit,
): Promise<{ uids: number[]; keys: string[]; more: boolean }> => {
  const { account, name, modseq: from } = await lockMailbox(db, mailbox)
  const gone = await deleted(db, mailbox, normalRanges(uids ?? [{ first: 1, last: Number.MAX_SAFE_INTEGER }]))
  if (gone.length === 0) return { uids: [], keys: [], more: false }
  for (const condition of rangeConditions('msgid', rangesOf(gone), 2)) {
    await releaseBodies(db, mailbox, condition)
    await db.query(`DELETE FROM msgs WHERE mboxid = $1 AND ${condition.sql}`, [mailbox, ...condition.params])
  }
  await db.query('UPDATE mboxes SET msgscount = msgscount - $2 WHERE id = $1', [mailbox, gone.length])
  const to = await modseqOf(db, mailbox)
  await forgetExpunged(db, mailbox, from, to)
  emit({ type: 'expunged', account, mailbox, name, from, to, uids: gone, origin })
  return { uids: gone, keys: await doomUnreferenced(db, account), more: gone.length === atOnce }
}

const deleted = async (db: Statements, mailbox: number, ranges: readonly UidRange[]): Promise<number[]> => {
  const found: number[] = []
  for (const { sql, params } of rangeConditions('msgid', ranges, 2)) {
    const rows = await db.query<[number]>(
      `SELECT msgid FROM flags WHERE mboxid = $1 AND flag = '\\Deleted' AND ${sql} ORDER BY msgid LIMIT ${atOnce}`,
      [mailbox, ...params],
    )
    for (const [uid] of rows) found.push(uid)
    if (found.length >= atOnce) return found.slice(0, atOnce)
  }
  return found
}
