import { nstring } from '../../../core/kit/imap/format.ts'
import type { AddressEntry } from '../../../core/kit/message/address_entries.ts'
import { envelopeOf, type ImapEnvelope } from '../../../core/kit/message/envelope.ts'
import type { FetchAttribute } from './message.ts'

/** ENVELOPE (RFC 9051 §7.5.2), from the header fields kept beside the message. */
export const envelope: FetchAttribute = {
  needs: { header: true },
  write: ({ header }, out) => out.text(`ENVELOPE ${formatEnvelope(envelopeOf(header))}`),
}

export const formatEnvelope = (envelope: ImapEnvelope): string =>
  `(${nstring(envelope.date)} ${nstring(envelope.subject)} ${addresses(envelope.from)} ${addresses(envelope.sender)} ` +
  `${addresses(envelope.replyTo)} ${addresses(envelope.to)} ${addresses(envelope.cc)} ${addresses(envelope.bcc)} ` +
  `${nstring(envelope.inReplyTo)} ${nstring(envelope.messageId)})`

const addresses = (list: readonly AddressEntry[] | null): string =>
  list === null || list.length === 0 ? 'NIL' : `(${list.map(address).join('')})`

const address = ({ name, route, mailbox, host }: AddressEntry): string =>
  `(${nstring(name)} ${nstring(route)} ${nstring(mailbox)} ${nstring(host)})`
