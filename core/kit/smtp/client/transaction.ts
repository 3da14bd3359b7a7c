import type { Address } from '../../address/address.ts'
import type { Message } from '../../message/message.ts'
import { SmtpError } from '../error.ts'
import type { Capabilities } from './capabilities.ts'
import { contentSize } from './content.ts'
import type { Dialogue } from './dialogue.ts'
import { SmtpClientError, uncertain } from './error.ts'
import { recipientPath, senderPath } from './paths.ts'
import { fault } from './reply.ts'
import { sendContent } from './send.ts'

/** What MAIL says besides the path, as far as the server offers it. */
export interface MailParameters {
  /** The message needs SMTPUTF8 (RFC 6531). A server without gets addresses that can be written in ASCII all the same. */
  readonly smtputf8?: boolean
  /** The message may only go on to servers that offer REQUIRETLS (RFC 8689). */
  readonly requireTls?: boolean
  /** The size to announce (RFC 1870), in bytes. */
  readonly size?: number | undefined
}

/** What a transaction needs of its connection. */
export interface TransactionOptions {
  readonly dialogue: Dialogue
  readonly capabilities: Capabilities
  readonly protocol: 'smtp' | 'lmtp'
  /** For each reply after the content; milliseconds. */
  readonly submissionTimeout: number
}

/** A path that RCPT was said of. */
interface Recipient {
  /** Settles as RCPT did. */
  readonly reply: Promise<void>
  /** Those who are that path; usually one. */
  readonly addresses: Address[]
  accepted: boolean
}

/** MAIL to the end of the content. What is wrong with a recipient or the message leaves the connection usable, unless it is closed. */
export class Transaction {
  /** Settles as MAIL does; recipients need not wait for it. */
  readonly begun: Promise<void>
  readonly #options: TransactionOptions
  readonly #smtputf8: boolean
  readonly #recipients = new Map<string, Recipient>()
  #refused = false

  constructor(reversePath: Address | null, parameters: MailParameters, options: TransactionOptions) {
    this.#options = options
    this.#smtputf8 = parameters.smtputf8 === true && options.capabilities.has('SMTPUTF8')
    this.begun = this.#mail(reversePath, parameters)
    this.begun.catch(() => {
      this.#refused = true
    })
  }

  async #mail(reversePath: Address | null, { requireTls, size }: MailParameters): Promise<void> {
    const { capabilities, dialogue } = this.#options
    if (requireTls && !capabilities.has('REQUIRETLS')) {
      throw new SmtpClientError('unsupported', 'the server does not offer REQUIRETLS', dialogue.options.fields)
    }
    const words = [
      `MAIL FROM:<${senderPath(reversePath, this.#smtputf8)}>`,
      ...(capabilities.has('8BITMIME') ? ['BODY=8BITMIME'] : []),
      ...(size !== undefined && capabilities.has('SIZE') ? [`SIZE=${size}`] : []),
      ...(requireTls ? ['REQUIRETLS'] : []),
      ...(this.#smtputf8 ? ['SMTPUTF8'] : []),
    ]
    await dialogue.demand(words.join(' '))
  }

  /**
   * RCPT; said once of a path that comes twice. Several may be under way at a time, and leave together where the server
   * offers PIPELINING. Throws SmtpError in the server's words when it refuses the recipient, or has refused the sender.
   */
  async recipient(to: Address): Promise<void> {
    if (this.#refused) return await this.begun
    const path = recipientPath(to, this.#smtputf8)
    const recipient = this.#recipients.get(path) ?? this.#begin(path)
    await recipient.reply
    recipient.addresses.push(to)
  }

  #begin(path: string): Recipient {
    const said = this.#options.dialogue.demand(`RCPT TO:<${path}>`)
    said.catch(() => {}) // what is wrong with the sender is told first
    const recipient: Recipient = {
      reply: this.begun.then(async () => {
        await said
        recipient.accepted = true
      }),
      addresses: [],
      accepted: false,
    }
    this.#recipients.set(path, recipient)
    return recipient
  }

  /**
   * Hands the message over, for the recipients that were accepted; without any, nothing is done. Resolves to those who failed
   * all the same, which happens with LMTP only. Throws SmtpError when the message is refused, for all of them. When the
   * connection is lost after the end of the content, nobody knows what became of it: that is a failure to be tried again.
   */
  async message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const { capabilities, dialogue, protocol } = this.#options
    await dialogue.idle()
    const accepted = [...this.#recipients.values()].filter((recipient) => recipient.accepted)
    if (accepted.length === 0) return new Map()
    if (contentSize(message) > (capabilities.maxSize ?? Number.POSITIVE_INFINITY)) {
      const { fields } = dialogue.options
      throw SmtpError.permanent(552, '5.3.4', 'The message is larger than the next server takes', fields)
    }
    await sendContent(dialogue, message, capabilities.has('CHUNKING'))
    if (protocol === 'lmtp') return await this.#outcomes(accepted)
    const error = await this.#outcome()
    if (error) throw error
    return new Map()
  }

  /** One for each RCPT that was accepted, in their order (RFC 2033 §4.2). */
  async #outcomes(accepted: readonly Recipient[]): Promise<ReadonlyMap<Address, SmtpError>> {
    const failed = new Map<Address, SmtpError>()
    for (const { addresses } of accepted) {
      const error = await this.#outcome()
      if (error) for (const address of addresses) failed.set(address, error)
    }
    return failed
  }

  /** What became of the content; undefined when it was taken. */
  async #outcome(): Promise<SmtpError | undefined> {
    const { dialogue, submissionTimeout } = this.#options
    try {
      const reply = dialogue.heard(await dialogue.wire.reply(submissionTimeout))
      const error = fault(reply, 2, dialogue.options.fields)
      if (error instanceof SmtpClientError) {
        dialogue.wire.destroy()
        return uncertain(error)
      }
      return error && SmtpError.from(error)
    } catch (error) {
      return uncertain(error)
    }
  }
}
