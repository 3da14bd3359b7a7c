import { hasFlag } from '../../../core/kit/imap/flags.ts'
import type { SearchKey } from './key.ts'

export const flagged = (flag: string): SearchKey => ({
  cost: 'row',
  conditions: { flagged: [flag] },
  matches: ({ flags }) => hasFlag(flags, flag),
})

export const unflagged = (flag: string): SearchKey => ({
  cost: 'row',
  conditions: { unflagged: [flag] },
  matches: ({ flags }) => !hasFlag(flags, flag),
})

export const recent: SearchKey = { cost: 'row', matches: (candidate) => candidate.recent }
export const old: SearchKey = { cost: 'row', matches: (candidate) => !candidate.recent }
export const all: SearchKey = { cost: 'row', conditions: {}, matches: () => true }
