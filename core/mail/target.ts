import type { Address } from '../kit/address/address.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import type { SmtpError } from '../kit/smtp/error.ts'
import { role } from '../role.ts'

/** Somewhere a message can go: a mailbox, a queue, another server, a pipeline. An SMTP transaction without its wire. */
export interface Target {
  begin(envelope: Envelope): Promise<Delivery>
}

export const Target = role<Target>('target')

/** What is known of a recipient besides the address. */
export interface RecipientParameters {
  /** The address as the client gave it, before any rewriting; the same object as the recipient when there was none. */
  readonly original: Address
}

/** One message on its way into a target. Disposed of before `commit` has resolved, it leaves no trace. */
export interface Delivery extends AsyncDisposable {
  /** Throws SmtpError when this recipient cannot be had; the others stand. The same mailbox twice is no error. */
  recipient(to: Address, parameters?: RecipientParameters): Promise<void>
  /**
   * Takes the content. Resolves to the recipients that failed at this stage, usually none, by the very objects that were
   * given to `recipient`; throws when all of them did.
   */
  message(message: Message): Promise<ReadonlyMap<Address, SmtpError>>
  /** Resolves when the message is on stable storage, or handed over, for all recipients that did not fail. */
  commit(): Promise<void>
}
