import type { Conditions } from '../../../core/index.ts'
import { intersectRanges } from '../../../core/kit/imap/sequence_set.ts'
import { type Candidate, cheapestFirst, costOf, type SearchKey } from './key.ts'

/** All of them; what the storage can decide of it, it decides for all together. */
export function and(keys: readonly SearchKey[]): SearchKey & All {
  const parts = keys.flatMap((key) => (key instanceof Conjunction ? key.parts : [key]))
  return new Conjunction(parts)
}

export interface All {
  /** What the storage is to decide. */
  readonly decided: Conditions
  /** What is left, the cheapest first. */
  readonly rest: readonly SearchKey[]
}

class Conjunction implements SearchKey, All {
  readonly parts: readonly SearchKey[]
  readonly decided: Conditions
  readonly rest: readonly SearchKey[]
  readonly #ordered: readonly SearchKey[]

  constructor(parts: readonly SearchKey[]) {
    this.parts = parts
    this.decided = parts.reduce((merged, { conditions }) => merge(merged, conditions), {})
    this.rest = cheapestFirst(parts.filter(({ conditions }) => conditions === undefined))
    this.#ordered = cheapestFirst(parts)
  }

  get cost() {
    return costOf(this.parts)
  }

  matches(candidate: Candidate): boolean | Promise<boolean> {
    return matchAll(this.#ordered, 0, candidate)
  }
}

/** Whether all keys match, asked one after another; no promise is made for those that need none. */
export function matchAll(keys: readonly SearchKey[], from: number, candidate: Candidate): boolean | Promise<boolean> {
  for (let at = from; at < keys.length; at++) {
    const outcome = keys[at]?.matches(candidate)
    if (typeof outcome === 'object') return outcome.then((yes) => yes && matchAll(keys, at + 1, candidate))
    if (!outcome) return false
  }
  return true
}

export const not = (key: SearchKey): SearchKey => ({
  cost: key.cost,
  ...opposite(key.conditions),
  matches(candidate) {
    const outcome = key.matches(candidate)
    return typeof outcome === 'object' ? outcome.then((yes) => !yes) : !outcome
  },
})

export const or = (first: SearchKey, second: SearchKey): SearchKey => {
  const [cheap, dear] = cheapestFirst([first, second]) as [SearchKey, SearchKey]
  return {
    cost: costOf([first, second]),
    matches(candidate) {
      const outcome = cheap.matches(candidate)
      if (typeof outcome === 'object') return outcome.then((yes) => yes || dear.matches(candidate))
      return outcome || dear.matches(candidate)
    },
  }
}

/** Of a single flag, the storage can decide the opposite too. */
function opposite({ flagged = [], unflagged = [], ...others }: Conditions = {}): Pick<SearchKey, 'conditions'> {
  if (Object.keys(others).length > 0 || flagged.length + unflagged.length !== 1) return {}
  return { conditions: { flagged: unflagged, unflagged: flagged } }
}

function merge(a: Conditions, b: Conditions = {}): Conditions {
  const uids = a.uids && b.uids ? intersectRanges(a.uids, b.uids) : (a.uids ?? b.uids)
  const larger = most(Math.max, a.larger, b.larger)
  const smaller = most(Math.min, a.smaller, b.smaller)
  const since = most(Math.max, a.since, b.since)
  const before = most(Math.min, a.before, b.before)
  const flagged = [...(a.flagged ?? []), ...(b.flagged ?? [])]
  const unflagged = [...(a.unflagged ?? []), ...(b.unflagged ?? [])]
  return {
    ...(uids && { uids }),
    ...(flagged.length > 0 && { flagged }),
    ...(unflagged.length > 0 && { unflagged }),
    ...(larger !== undefined && { larger }),
    ...(smaller !== undefined && { smaller }),
    ...(since !== undefined && { since }),
    ...(before !== undefined && { before }),
  }
}

const most = (choose: (a: number, b: number) => number, a: number | undefined, b: number | undefined) =>
  a === undefined ? b : b === undefined ? a : choose(a, b)
