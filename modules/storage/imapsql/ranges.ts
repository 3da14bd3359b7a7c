import type { UidRange } from '../../../core/index.ts'
import type { SqlValue } from '../../../core/kit/sql/writer/index.ts'

/** Ranges that one statement is asked for: few different texts, so that statements stay prepared. */
const sizes = [1, 4, 16, 64]

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

/**
 * Conditions that together hold for the UIDs in sorted ranges, each for a part of them, in ascending order. The first
 * parameter is numbered `from`.
 */
export const rangeConditions = (column: string, ranges: readonly UidRange[], from: number): Condition[] => {
  const conditions: Condition[] = []
  for (let at = 0; at < ranges.length; ) {
    const size = sizes.find((count) => count >= ranges.length - at) ?? sizes.at(-1) ?? 1
    const part = ranges.slice(at, at + size)
    const last = part.at(-1)
    while (last && part.length < size) part.push(last)
    const sql = part.map((_, n) => `${column} BETWEEN $${from + 2 * n} AND $${from + 2 * n + 1}`).join(' OR ')
    conditions.push({ sql: `(${sql})`, params: part.flatMap(({ first, last }) => [first, last]) })
    at += size
  }
  return conditions
}
