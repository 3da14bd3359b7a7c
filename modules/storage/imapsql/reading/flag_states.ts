import type { FlagState, UidRange } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { rangeConditions } from '../ranges.ts'

/** The flags of the messages in sorted ranges, by UID; each once, whatever its case. */
export const flagsOf = async (
  db: Statements,
  mailbox: number,
  ranges: readonly UidRange[],
): Promise<Map<number, string[]>> => {
  const found = new Map<number, string[]>()
  for (const { sql, params } of rangeConditions('msgid', ranges, 2)) {
    const rows = await db.query<[number, string]>(`SELECT msgid, flag FROM flags WHERE mboxid = $1 AND ${sql}`, [
      mailbox,
      ...params,
    ])
    for (const [uid, flag] of rows) {
      const flags = found.get(uid)
      if (!flags) found.set(uid, [flag])
      else if (!flags.some((other) => other.toLowerCase() === flag.toLowerCase())) flags.push(flag)
    }
  }
  return found
}

/** UID, flags and mod-sequence of the messages in sorted ranges, ascending. */
export const flagStates = async (
  db: Statements,
  mailbox: number,
  ranges: readonly UidRange[],
): Promise<FlagState[]> => {
  const flags = await flagsOf(db, mailbox, ranges)
  const states: FlagState[] = []
  for (const { sql, params } of rangeConditions('m.msgid', ranges, 2)) {
    const rows = await db.query<[number, number]>(
      `SELECT m.msgid, coalesce(t.modseq, 1) FROM msgs m
        LEFT JOIN tsmaddy_msgs t ON t.mboxid = m.mboxid AND t.uid = m.msgid
        WHERE m.mboxid = $1 AND ${sql} ORDER BY m.msgid`,
      [mailbox, ...params],
    )
    for (const [uid, modseq] of rows) states.push({ uid, flags: flags.get(uid) ?? [], modseq })
  }
  return states
}
