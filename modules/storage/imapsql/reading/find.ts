import { setImmediate as turn } from 'node:timers/promises'
import type { Conditions, UidRange } from '../../../../core/index.ts'
import type { SqlValue } from '../../../../core/kit/sql/writer/index.ts'
import type { Engine } from '../engine.ts'
import { normalRanges, portions, rangeConditions } from '../ranges.ts'

/** Messages looked at in one go: no longer than a few milliseconds. */
const page = 5000

/** The UIDs, ascending, of the messages that meet all conditions; the database does the sieving. */
export const findMessages = async (engine: Engine, mailbox: number, conditions: Conditions): Promise<number[]> => {
  const found: number[] = []
  const everything: UidRange[] = [{ first: 1, last: Number.MAX_SAFE_INTEGER }]
  for (const portion of portions(normalRanges(conditions.uids ?? everything), page)) {
    for (let left = portion; left.length > 0; await turn()) {
      const { now, rest } = await split(engine, mailbox, left)
      for (const uid of await sieved(engine, mailbox, now, conditions)) found.push(uid)
      left = rest
    }
  }
  return found
}

/** What can be looked at in one go, and what is left: a range alone may be of any width. */
const split = async (
  engine: Engine,
  mailbox: number,
  ranges: UidRange[],
): Promise<{ now: UidRange[]; rest: UidRange[] }> => {
  const [range, another] = ranges
  if (!range || another || range.last - range.first < page) return { now: ranges, rest: [] }
  const [row] = await engine.query<[number]>(
    `SELECT msgid FROM msgs WHERE mboxid = $1 AND msgid BETWEEN $2 AND $3 ORDER BY msgid LIMIT 1 OFFSET ${page - 1}`,
    [mailbox, range.first, range.last],
  )
  if (!row || row[0] === range.last) return { now: ranges, rest: [] }
  return { now: [{ first: range.first, last: row[0] }], rest: [{ first: row[0] + 1, last: range.last }] }
}

const sieved = async (
  engine: Engine,
  mailbox: number,
  ranges: readonly UidRange[],
  conditions: Conditions,
): Promise<number[]> => {
  const uids: number[] = []
  for (const { sql, params: bounds } of rangeConditions('m.msgid', ranges, 2)) {
    const params: SqlValue[] = [mailbox, ...bounds]
    const where = ['m.mboxid = $1', sql, ...sieve(conditions, params)].join(' AND ')
    const rows = await engine.query<[number]>(
      `SELECT m.msgid FROM msgs m LEFT JOIN tsmaddy_msgs t ON t.mboxid = m.mboxid AND t.uid = m.msgid
        WHERE ${where} ORDER BY m.msgid`,
      params,
    )
    for (const [uid] of rows) uids.push(uid)
  }
  return uids
}

/** Gives the parts of WHERE besides the UIDs, and adds their parameters to those there are. */
const sieve = (
  { flagged = [], unflagged = [], since, before, larger, smaller, modseq }: Conditions,
  params: SqlValue[],
): string[] => {
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
