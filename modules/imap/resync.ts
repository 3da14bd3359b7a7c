import type { FlagState, Mailbox, MailboxChange } from '../../core/index.ts'
import { toRanges } from '../../core/kit/imap/sequence_set.ts'

/**
 * What has happened to a mailbox, as far as can be told from what was known of it: its UIDs, ascending, and the
 * mod-sequence up to which flags were known.
 */
export async function changesBetween(
  known: readonly number[],
  modseq: number,
  fresh: Mailbox,
): Promise<readonly MailboxChange[]> {
  const { uids, recent, highestModseq } = fresh.snapshot
  const there = new Set(uids)
  const before = new Set(known)
  const arrived = uids.filter((uid) => !before.has(uid))
  const flags: FlagState[] = []
  const changed = highestModseq > modseq ? await fresh.find({ modseq: modseq + 1 }) : []
  const seen = changed.filter((uid) => before.has(uid))
  for await (const { uid, flags: list, modseq: at } of fresh.messages(toRanges(seen), {})) {
    flags.push({ uid, flags: list, modseq: at })
  }
  return [
    { type: 'expunged', own: false, uids: known.filter((uid) => !there.has(uid)), modseq: highestModseq },
    { type: 'flags', own: false, messages: flags },
    ...arrived.map((uid) => ({ type: 'arrived', own: false, uids: [uid], recent: recent.has(uid) }) as const),
  ]
}
