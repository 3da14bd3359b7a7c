/** From one number to another, in either order, as written; `*` stands for the largest number in use. */
export interface SetRange {
  readonly from: number | '*'
  readonly to: number | '*'
}

/** The numbers of messages in a command: sequence numbers or UIDs (RFC 9051 §9, sequence-set). */
export type SequenceSet = readonly SetRange[]

/** Both ends included; `first` is never larger. */
export interface NumberRange {
  readonly first: number
  readonly last: number
}

/** Undefined for anything that is no set. */
export const parseSequenceSet = (text: string): SequenceSet | undefined => {
  const set: SetRange[] = []
  for (const item of text.split(',')) {
    const [, from, to] = /^(\*|\d{1,10})(?::(\*|\d{1,10}))?$/.exec(item) ?? []
    const first = bound(from)
    const last = to === undefined ? first : bound(to)
    if (first === undefined || last === undefined) return undefined
    set.push({ from: first, to: last })
  }
  return set
}

const bound = (text: string | undefined): number | '*' | undefined => {
  if (text === '*') return '*'
  const number = Number(text)
  return number >= 1 && number <= 0xff_ff_ff_ff && text?.[0] !== '0' ? number : undefined
}

/** Ranges in ascending order that neither overlap nor touch, `*` taken to be `largest`. */
export const resolveSet = (set: SequenceSet, largest: number): readonly NumberRange[] =>
  mergeRanges(
    set.map(({ from, to }) => {
      const [a, b] = [from === '*' ? largest : from, to === '*' ? largest : to]
      return a <= b ? { first: a, last: b } : { first: b, last: a }
    }),
  )

/** The same numbers in ascending ranges that neither overlap nor touch. */
export const mergeRanges = (ranges: readonly NumberRange[]): readonly NumberRange[] => {
  const merged: { first: number; last: number }[] = []
  for (const { first, last } of ranges.toSorted((a, b) => a.first - b.first)) {
    const before = merged.at(-1)
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last)
    else merged.push({ first, last })
  }
  return merged
}

/** The numbers that are in both; each list in ascending order. */
export const intersectRanges = (a: readonly NumberRange[], b: readonly NumberRange[]): readonly NumberRange[] => {
  const both: NumberRange[] = []
  for (let i = 0, j = 0; ; ) {
    const [x, y] = [a[i], b[j]]
    if (!x || !y) return both
    const [first, last] = [Math.max(x.first, y.first), Math.min(x.last, y.last)]
    if (first <= last) both.push({ first, last })
    if (x.last < y.last) i++
    else j++
  }
}

/** Numbers in ascending order as ranges. */
export const toRanges = (numbers: Iterable<number>): readonly NumberRange[] => {
  const ranges: { first: number; last: number }[] = []
  let current: { first: number; last: number } | undefined
  for (const number of numbers) {
    if (current && number === current.last + 1) {
      current.last = number
    } else {
      current = { first: number, last: number }
      ranges.push(current)
    }
  }
  return ranges
}

/** Numbers as a set on the wire, `1:3,7`, in the order given: runs that ascend by one are drawn together. */
export const formatSet = (numbers: Iterable<number>): string =>
  toRanges(numbers)
    .map(({ first, last }) => (first === last ? String(first) : `${first}:${last}`))
    .join(',')

/** Whether a number is in ascending, merged ranges. */
export const inRanges = (ranges: readonly NumberRange[], number: number): boolean => {
  let [low, high] = [0, ranges.length - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle] as NumberRange
    if (number < range.first) high = middle - 1
    else if (number > range.last) low = middle + 1
    else return true
  }
  return false
}
