import type { UidRange } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { normalRanges, rangeConditions } from '../ranges.ts'
import { forgetExpunged, lockMailbox, modseqOf } from './mailbox_row.ts'
import { doomUnreferenced, releaseBodies } from './unreferenced.ts'

export interface Expunge {
  readonly mailbox: number
  /** Null for the whole mailbox. */
  readonly uids: readonly UidRange[] | null
  readonly origin: number
}

/** Removes messages that have \Deleted. Resolves to their UIDs and to the keys of bodies to be deleted outside. */
export const expunge = async (
  db: Statements,
  { mailbox, uids, origin }: Expunge,
  emit: Emit,
): Promise<{ uids: number[]; keys: string[] }> => {
  const { account, name, modseq: from } = await lockMailbox(db, mailbox)
  const ranges = normalRanges(uids ?? [{ first: 1, last: Number.MAX_SAFE_INTEGER }])
  const gone = await deleted(db, mailbox, ranges)
  if (gone.length === 0) return { uids: [], keys: [] }
  for (const condition of rangeConditions('msgid', ranges, 2)) {
    const only = `${condition.sql} AND EXISTS (SELECT 1 FROM flags f
      WHERE f.mboxid = msgs.mboxid AND f.msgid = msgs.msgid AND f.flag = '\\Deleted')`
    await releaseBodies(db, mailbox, { sql: only, params: condition.params })
    await db.query(`DELETE FROM msgs WHERE mboxid = $1 AND ${only}`, [mailbox, ...condition.params])
  }
  await db.query('UPDATE mboxes SET msgscount = msgscount - $2 WHERE id = $1', [mailbox, gone.length])
  const to = await modseqOf(db, mailbox)
  await forgetExpunged(db, mailbox, from, to)
  emit({ type: 'expunged', account, mailbox, name, from, to, uids: gone, origin })
  return { uids: gone, keys: await doomUnreferenced(db, account) }
}

const deleted = async (db: Statements, mailbox: number, ranges: readonly UidRange[]): Promise<number[]> => {
  const found: number[] = []
  for (const { sql, params } of rangeConditions('msgid', ranges, 2)) {
    const rows = await db.query<[number]>(
      `SELECT msgid FROM flags WHERE mboxid = $1 AND flag = '\\Deleted' AND ${sql} ORDER BY msgid`,
      [mailbox, ...params],
    )
    for (const [uid] of rows) found.push(uid)
  }
  return found
}
