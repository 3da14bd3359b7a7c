/**
 * Whether a mailbox name matches a LIST pattern: `*` stands for anything, `%` for anything within one level. Takes time in
 * proportion to the product of both lengths, whatever the pattern.
 */
export const matchesPattern = (pattern: string, name: string, separator: string): boolean => {
  let reached = new Set([0])
  const skipWildcards = (positions: Set<number>): Set<number> => {
    for (const at of positions) if (pattern[at] === '*' || pattern[at] === '%') positions.add(at + 1)
    return positions
  }
  skipWildcards(reached)
  for (const letter of name) {
    const next = new Set<number>()
    for (const at of reached) {
      if (pattern[at] === '*' || (pattern[at] === '%' && letter !== separator)) next.add(at)
      else if (pattern.startsWith(letter, at)) next.add(at + letter.length)
    }
    reached = skipWildcards(next)
    if (reached.size === 0) return false
  }
  return reached.has(pattern.length)
}
