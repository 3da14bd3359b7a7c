import type { StoredMessage, UidRange } from '../../../core/index.ts'
import { toRanges } from '../../../core/kit/imap/sequence_set.ts'
import { parseAddresses } from '../../../core/kit/message/address_entries.ts'
import type { CachedHeader } from '../../../core/kit/message/structure.ts'
import { decodeHeaderValue } from '../../../core/kit/message/words.ts'
import { dateOf } from '../search/dates.ts'
import { fold } from '../search/text.ts'
import type { View } from '../view.ts'
import { baseSubject } from './subject.ts'

/** Calls back for each of the messages, ascending by UID, with the header fields kept beside it. */
export async function eachMessage(
  view: View,
  uids: readonly number[],
  take: (message: StoredMessage, header: CachedHeader) => void,
): Promise<void> {
  const ranges: readonly UidRange[] = toRanges(uids)
  for await (const message of view.mailbox.messages(ranges, { header: true })) take(message, message.header ?? {})
}

/** When it was sent, in milliseconds since 1970: by its Date field, else when it arrived (RFC 5256 §2.2). */
export const sentDate = (message: StoredMessage): number => dateOf(message)?.ms ?? message.internalDate

/** The base subject, for comparing. */
export const subjectOf = (header: CachedHeader): string => fold(baseSubject(header.Subject?.[0] ?? '').base)

/** The part before the @ of the first address in a field, for comparing. */
export const mailboxOf = (values: readonly string[] | undefined): string => {
  const first = parseAddresses(values?.[0] ?? '').find(({ mailbox, host }) => mailbox !== null && host !== null)
  return fold(first?.mailbox ?? '')
}

/** The name with the first address in a field, or else the address, for comparing (RFC 5957 §3). */
export const displayOf = (values: readonly string[] | undefined): string => {
  const first = parseAddresses(values?.[0] ?? '').find(({ mailbox }) => mailbox !== null)
  if (first?.name) return fold(decodeHeaderValue(first.name))
  return fold([first?.mailbox, first?.host].filter(Boolean).join('@'))
}
