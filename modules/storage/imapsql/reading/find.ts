import { setImmediate as turn } from 'node:timers/promises'
import type { Conditions, UidRange } from '../../../../core/index.ts'
import type { SqlValue } from '../../../../core/kit/sql/writer/index.ts'
import type { Engine } from '../engine.ts'
import { normalRanges, rangeConditions } from '../ranges.ts'

/** UIDs found at once. */
const page = 5000

/** The UIDs, ascending, of the messages that meet all conditions; the database does the sieving. */
export const findMessages = async (engine: Engine, mailbox: number, conditions: Conditions): Promise<number[]> => {
  const found: number[] = []
  const sieve = sieveOf(conditions)
  const everything: UidRange[] = [{ first: 1, last: Number.MAX_SAFE_INTEGER }]
  for (const part of rangeConditions('m.msgid', normalRanges(conditions.uids ?? everything), 3)) {
    for (let after = 0; ; await turn()) {
      const params: SqlValue[] = [mailbox, after, ...part.params]
      const where = ['m.mboxid = $1', 'm.msgid > $2', part.sql, ...sieve(params)].join(' AND ')
      const rows = await engine.query<[number]>(
        `SELECT m.msgid FROM msgs m LEFT JOIN tsmaddy_msgs t ON t.mboxid = m.mboxid AND t.uid = m.msgid
          WHERE ${where} ORDER BY m.msgid LIMIT ${page}`,
        params,
      )
      for (const [uid] of rows) found.push(uid)
      if (rows.length < page) break
      after = rows.at(-1)?.[0] ?? 0
    }
  }
  return found
}

/** Gives the parts of WHERE besides the UIDs, and adds their parameters to those there are. */
const sieveOf =
  ({ flagged = [], unflagged = [], since, before, larger, smaller, modseq }: Conditions) =>
  (params: SqlValue[]): string[] => {
    const next = (value: SqlValue): string => `$${params.push(value)}`
    const flag = (name: string): string => `EXISTS (SELECT 1 FROM flags f
      WHERE f.mboxid = m.mboxid AND f.msgid = m.msgid AND lower(f.flag) = ${next(name.toLowerCase())})`
    const date = 'coalesce(t.date, m.date)'
    const size = 'coalesce(t.size, m.bodylen)'
    return [
      ...flagged.map((name) => flag(name)),
      ...unflagged.map((name) => `NOT ${flag(name)}`),
      ...(since === undefined ? [] : [`${date} >= ${next(Math.ceil(since / 1000))}`]),
      ...(before === undefined ? [] : [`${date} < ${next(Math.ceil(before / 1000))}`]),
      ...(larger === undefined ? [] : [`${size} > ${next(larger)}`]),
      ...(smaller === undefined ? [] : [`${size} < ${next(smaller)}`]),
      ...(modseq === undefined ? [] : [`coalesce(t.modseq, 1) >= ${next(modseq)}`]),
    ]
  }
