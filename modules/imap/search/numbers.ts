import type { UidRange } from '../../../core/index.ts'
import { inRanges } from '../../../core/kit/imap/sequence_set.ts'
import type { SearchKey } from './key.ts'

export const larger = (bytes: number): SearchKey => ({
  cost: 'row',
  conditions: { larger: bytes },
  matches: ({ size }) => size > bytes,
})

export const smaller = (bytes: number): SearchKey => ({
  cost: 'row',
  conditions: { smaller: bytes },
  matches: ({ size }) => size < bytes,
})

export const within = (uids: readonly UidRange[]): SearchKey => ({
  cost: 'row',
  conditions: { uids },
  matches: ({ uid }) => inRanges(uids, uid),
})
