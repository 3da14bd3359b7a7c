import type { UidRange } from '../../../core/index.ts'
import type { SqlValue } from '../../../core/kit/sql/writer/index.ts'

/** Ranges that one statement is asked for: few different texts, so that statements stay prepared. */
const sizes = [1, 4, 16, 64]
const most = 64

/** A part of a WHERE clause with its parameters. */
export interface Condition {
  readonly sql: string
  readonly params: readonly SqlValue[]
}

/** Sorted, without overlaps, within 1 and `max`. */
export const normalRanges = (ranges: readonly UidRange[], max = Number.MAX_SAFE_INTEGER): UidRange[] => {
  const merged: { first: number; last: number }[] = []
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const range = { first: Math.max(first, 1), last: Math.min(last, max) }
    const before = merged.at(-1)
    if (range.first > range.last) continue
    if (before && range.first <= before.last + 1) before.last = Math.max(before.last, range.last)
    else merged.push(range)
  }
  return merged
}

/** Ranges of exactly these UIDs, which ascend. */
export const rangesOf = (uids: readonly number[]): UidRange[] =>
  normalRanges(uids.map((uid) => ({ first: uid, last: uid })))

/** Ranges that hold exactly the given ascending UIDs out of `all`, which ascend too: neighbours share one. */
export const runs = (uids: readonly number[], all: readonly number[]): UidRange[] => {
  const ranges: UidRange[] = []
  let next = 0
  for (let at = 0; at < all.length && next < uids.length; at++) {
    if (all[at] !== uids[next]) continue
    const first = uids[next] ?? 0
    let last = first
    while (next < uids.length && all[at] === uids[next]) {
      last = uids[next] ?? last
      at++
      next++
    }
    ranges.push({ first, last })
  }
  return ranges
}

/** Sorted ranges in portions of at most `width` UIDs each. */
export const slices = (ranges: readonly UidRange[], width: number): UidRange[][] => {
  const portions: UidRange[][] = []
  let room = 0
  for (const range of ranges) {
    for (let first = range.first; first <= range.last; ) {
      if (room === 0) {
        portions.push([])
        room = width
      }
      const last = Math.min(range.last, first + room - 1)
      portions.at(-1)?.push({ first, last })
      room -= last - first + 1
      first = last + 1
    }
  }
  return portions
}

/** Sorted ranges in portions to be read at once: one that is wider than `width` alone, others as long as they fit. */
export const portions = (ranges: readonly UidRange[], width: number): UidRange[][] => {
  const all: UidRange[][] = []
  let room = 0
  for (const range of ranges) {
    const portion = all.at(-1)
    const wide = range.last - range.first + 1
    if (portion && wide <= room && portion.length < most) portion.push(range)
    else {
      all.push([range])
      room = width
    }
    room -= wide
  }
  return all
}

/**
 * Conditions that together hold for the UIDs in sorted ranges, each for a part of them, in ascending order. They are for
 * a statement whose `$1` is the mailbox; the first parameter of each is numbered `from`. Several ranges are looked up in
 * the index one after the other: when they are joined with OR instead, SQLite goes through the whole mailbox.
 */
export const rangeConditions = (column: string, ranges: readonly UidRange[], from: number): Condition[] => {
  const conditions: Condition[] = []
  for (let at = 0; at < ranges.length; ) {
    const size = sizes.find((count) => count >= ranges.length - at) ?? most
    const part = ranges.slice(at, at + size)
    const last = part.at(-1)
    while (last && part.length < size) part.push(last)
    conditions.push({ sql: within(column, size, from), params: part.flatMap(({ first, last }) => [first, last]) })
    at += size
  }
  return conditions
}

const within = (column: string, size: number, from: number): string => {
  if (size === 1) return `${column} BETWEEN $${from} AND $${from + 1}`
  const pairs = Array.from(
    { length: size },
    (_, n) => `(CAST($${from + 2 * n} AS BIGINT), CAST($${from + 2 * n + 1} AS BIGINT))`,
  )
  return `${column} IN (SELECT x.msgid FROM (VALUES ${pairs.join(', ')}) AS r CROSS JOIN msgs x
    WHERE x.mboxid = $1 AND x.msgid BETWEEN r.column1 AND r.column2)`
}
