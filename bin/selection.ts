import { intersectRanges, parseSequenceSet, resolveSet, toRanges } from '../core/kit/imap/sequence_set.ts'
import type { UidRange } from '../core/mail/storage.ts'
import { UsageError } from './errors.ts'

/**
 * The UIDs of a mailbox that a sequence set of IMAP stands for, `undefined` for all. Sequence numbers count from 1 in the
 * ascending order of `uids`. Throws UsageError.
 */
export const selectUids = (
  uids: readonly number[],
  written: string | undefined,
  byUid: boolean,
): readonly UidRange[] => {
  const all = toRanges(uids)
  if (written === undefined) return all
  const set = parseSequenceSet(written)
  if (set === undefined) throw new UsageError(`expected a set such as 1,3:5,10:*, not ${written}`)
  if (byUid) return intersectRanges(resolveSet(set, uids.at(-1) ?? 0), all)
  return toRanges(resolveSet(set, uids.length).flatMap(({ first, last }) => uids.slice(first - 1, last)))
}
