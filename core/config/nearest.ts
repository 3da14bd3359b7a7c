/**
 * The known word that `written` most likely stands for, in any case of letters: the only one that begins so, or one that is
 * few edits away; undefined when none is near.
 */
export const nearest = (written: string, known: Iterable<string>): string | undefined => {
  const sought = written.toLowerCase()
  const words = new Set(known)
  const [longer, another] = [...words].filter((word) => word.toLowerCase().startsWith(sought))
  if (longer !== undefined && another === undefined && sought.length >= 3) return longer
  let best: string | undefined
  let least = Math.max(1, Math.floor(sought.length / 3)) + 1
  for (const word of words) {
    const distance = edits(sought, word.toLowerCase(), least)
    if (distance < least) [best, least] = [word, distance]
  }
  return best
}

/** `; did you mean X?`, or nothing. */
export const didYouMean = (written: string, known: Iterable<string>): string => {
  const near = nearest(written, known)
  return near === undefined ? '' : `; did you mean ${near}?`
}

/** How many letters have to be put in, left out, changed or swapped with their neighbour (optimal string alignment). */
const edits = (a: string, b: string, limit: number): number => {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1)
      row.push(cost)
    }
    ;[before, last] = [last, row]
  }
  return last[b.length] ?? limit
}
