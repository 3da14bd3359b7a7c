import { setImmediate as turn } from 'node:timers/promises'
import type { Needs, StoredMessage, UidRange } from '../../../../core/index.ts'
import { cachedHeaderFromJson, structureFromJson } from '../../../../core/kit/message/index.ts'
import type { Structure } from '../../../../core/kit/message/structure.ts'
import type { SqlValue, Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Engine } from '../engine.ts'
import { normalRanges, portions, rangeConditions } from '../ranges.ts'
import { flagsOf } from './flag_states.ts'

/** Messages read at once: no longer than a few milliseconds. */
const page = 500

/** The messages in ranges, ascending, a page at a time. */
export async function* readMessages(
  engine: Engine,
  mailbox: number,
  ranges: readonly UidRange[],
  needs: Needs,
): AsyncIterable<StoredMessage> {
  let read = false
  for (const portion of portions(normalRanges(ranges), page)) {
    for (let left = portion; left.length > 0; ) {
      if (read) await turn()
      read = true
      const { messages, rest } = await engine.read((db) => readPage(db, mailbox, left, needs))
      yield* messages
      left = rest
    }
  }
}

const readPage = async (
  db: Statements,
  mailbox: number,
  ranges: readonly UidRange[],
  { header = false, structure = false }: Needs,
): Promise<{ messages: StoredMessage[]; rest: UidRange[] }> => {
  const [condition] = rangeConditions('m.msgid', ranges, 2)
  if (!condition) return { messages: [], rest: [] }
  const rows = await db.query<[number, number, number, number, SqlValue, SqlValue]>(
    `SELECT m.msgid, coalesce(t.modseq, 1), coalesce(t.date, m.date), coalesce(t.size, m.bodylen),
        ${header ? 'm.cachedheader' : 'NULL'}, ${structure ? 'm.bodystructure' : 'NULL'}
      FROM msgs m LEFT JOIN tsmaddy_msgs t ON t.mboxid = m.mboxid AND t.uid = m.msgid
      WHERE m.mboxid = $1 AND ${condition.sql} ORDER BY m.msgid LIMIT ${page}`,
    [mailbox, ...condition.params],
  )
  const last = rows.length < page ? (ranges.at(-1)?.last ?? 0) : (rows.at(-1)?.[0] ?? 0)
  const flags = rows.length === 0 ? new Map() : await flagsOf(db, mailbox, until(ranges, last))
  const messages = rows.map(([uid, modseq, date, size, headerJson, structureJson]) => ({
    uid,
    flags: flags.get(uid) ?? [],
    modseq,
    internalDate: date * 1000,
    size,
    ...(header && { header: parsed(headerJson, cachedHeaderFromJson) ?? {} }),
    ...(structure && optional(parsed(structureJson, structureFromJson))),
  }))
  return { messages, rest: after(ranges, last) }
}

const until = (ranges: readonly UidRange[], uid: number): UidRange[] =>
  ranges.filter(({ first }) => first <= uid).map(({ first, last }) => ({ first, last: Math.min(last, uid) }))

const after = (ranges: readonly UidRange[], uid: number): UidRange[] =>
  ranges.filter(({ last }) => last > uid).map(({ first, last }) => ({ first: Math.max(first, uid + 1), last }))

const optional = (structure: Structure | undefined) => (structure ? { structure } : {})

/** A column that holds JSON as bytes, or as text where another program wrote it so; undefined when it is none. */
const parsed = <T>(value: SqlValue, parse: (json: string | Uint8Array) => T): T | undefined => {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return undefined
  try {
    return parse(value)
  } catch {
    return undefined
  }
}
