import type { Address } from '../kit/address/address.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { role } from '../role.ts'

/** Decides where in an account a message goes. */
export interface ImapFilter {
  /** Throws when it cannot tell; the message is then delivered as if the filter were not there. */
  filter(arrival: FilterInput): Promise<FilterVerdict>
}

export interface FilterInput {
  readonly envelope: Envelope
  readonly account: string
  readonly recipient: Address
  /** The recipient as the client gave it, before any rewriting. */
  readonly original: Address
  /** As it came, without the fields that delivery adds. */
  readonly message: Message
}

export interface FilterVerdict {
  /** The mailbox; undefined leaves the choice to others. One that does not exist means INBOX. */
  readonly folder: string | undefined
  /** Flags to put on the message, in whatever case. */
  readonly flags: readonly string[]
}

export const ImapFilter = role<ImapFilter>('imap_filter', 'imap.filter')
