import { randomUUID } from 'node:crypto'
import type { Address, Body, Delivery, Envelope, Header, Logger, Message, Origin } from '../../core/index.ts'
import { formatPeer, SmtpError } from '../../core/index.ts'
import { cleanDomain, formatAddress, isAscii } from '../../core/kit/address/index.ts'
import { readMessage } from '../../core/kit/message/read.ts'
import type { Content, MailParameters, Path } from '../../core/kit/smtp/server/index.ts'
import { failureOf } from './reply.ts'
import type { Settings } from './settings.ts'
import { completeHeader } from './submission.ts'

/** What MAIL said. */
export interface Mail {
  readonly path: Path | null
  readonly parameters: MailParameters
}

/** From MAIL to the end of the content: a passage through the endpoint's pipeline, and the slots it takes up. */
export class Transaction implements AsyncDisposable {
  readonly envelope: Envelope
  readonly log: Logger
  readonly #settings: Settings
  readonly #delivery: Delivery
  readonly #slots: Disposable | undefined
  readonly #recipients: Address[] = []
  #committed = false

  private constructor(
    settings: Settings,
    envelope: Envelope,
    log: Logger,
    delivery: Delivery,
    slots: Disposable | undefined,
  ) {
    this.#settings = settings
    this.envelope = envelope
    this.log = log
    this.#delivery = delivery
    this.#slots = slots
  }

  /** Throws SmtpError when the sender is refused. */
  static async begin(settings: Settings, origin: Origin, mail: Mail): Promise<Transaction> {
    const { limits, pipeline } = settings
    const id = randomUUID().slice(0, 8) // random bits alone, and Node keeps a stock of them
    const log = settings.log.with({ msg_id: id })
    const { path, parameters } = mail
    const originalReversePath = path ? `${path.local}@${path.domain}` : ''
    log.info('incoming message', {
      src_host: origin.helo,
      src_ip: formatPeer(origin.peer),
      sender: originalReversePath,
      ...(origin.user !== null && { username: origin.user }),
    })
    let slots: Disposable | undefined
    try {
      const reversePath = path && cleanSender(path, parameters)
      if (limits) slots = await limits.message(origin.peer?.ip ?? '127.0.0.1', reversePath?.domain ?? '')
      const { smtputf8, requireTls, size } = parameters
      const announced = size === undefined ? {} : { size }
      const envelope = { id, reversePath, originalReversePath, smtputf8, requireTls, ...announced, origin }
      const delivery = await started(pipeline.begin(envelope), id)
      settings.tally.started()
      return new Transaction(settings, envelope, log, delivery, slots)
    } catch (error) {
      slots?.[Symbol.dispose]()
      settings.tally.failed('MAIL', error)
      log.error(settings.deferSenderReject ? 'MAIL FROM error (deferred)' : 'MAIL FROM error', error)
      throw error instanceof SmtpError ? error.noting({ msg_id: id }) : error // which recipients are told of later
    }
  }

  /** Throws SmtpError when the recipient is refused. */
  async recipient(path: Path): Promise<void> {
    const to = cleanRecipient(path, this.envelope.smtputf8)
    try {
      await this.#delivery.recipient(to)
    } catch (error) {
      throw failureOf(error, this.envelope.id)
    }
    this.#recipients.push(to)
    this.log.info('RCPT ok', { rcpt: formatAddress(to) })
  }

  /** See `Receiver.data`. */
  async data(content: Content): Promise<readonly (SmtpError | undefined)[]> {
    try {
      const { maxHeaderSize, spool } = this.#settings
      const limits = { ...spool, maxHeaderSize, maxSize: Number.POSITIVE_INFINITY }
      const { header, body } = await readMessage(content, limits)
      const outcomes = await this.#handle(header, body)
      const rcpts = outcomes.filter((outcome) => outcome === undefined).length
      if (rcpts > 0) this.log.info('accepted', { size: content.size, rcpts })
      return outcomes
    } catch (error) {
      const failure = failureOf(error, this.envelope.id)
      this.#settings.tally.failed('DATA', failure)
      this.log.error('DATA error', failure)
      throw failure
    }
  }

  /** Delivers the message, whose body is kept no longer then. */
  async #handle(received: Header, body: Body & AsyncDisposable): Promise<readonly (SmtpError | undefined)[]> {
    try {
      return await this.#deliver({ header: this.#complete(received), body, quarantined: false })
    } finally {
      await this.#remove(body)
    }
  }

  /** A file that stays behind is a nuisance, but no reason to refuse a message that may have been committed. */
  async #remove(body: AsyncDisposable): Promise<void> {
    try {
      await body[Symbol.asyncDispose]()
    } catch (error) {
      this.log.error('body was not removed from the buffer', error)
    }
  }

  /** The header as it goes on from here, with what a submitted message lacks. Throws SmtpError when it is refused. */
  #complete(received: Header): Header {
    const { submission, hostname, maxReceived } = this.#settings
    const header = submission ? completeHeader(received, hostname) : received
    const hops = header.fields.filter(({ name }) => /^received$/i.test(name)).length
    if (hops > maxReceived) {
      throw SmtpError.permanent(554, '5.4.6', `Too many Received header fields (${hops}), possible forwarding loop`)
    }
    return header
  }

  async #deliver(message: Message): Promise<readonly (SmtpError | undefined)[]> {
    const failed = await this.#delivery.message(message)
    const [first] = failed.values()
    // SMTP has one reply for all recipients, so that one who fails fails them all, before anything is committed.
    if (first && (this.#settings.protocol === 'smtp' || this.#recipients.every((to) => failed.has(to)))) {
      if (this.#settings.protocol === 'smtp') throw first
      return this.#outcomes(failed)
    }
    try {
      await this.#delivery.commit()
      this.#committed = true
    } catch (error) {
      if (this.#settings.protocol === 'smtp') throw error
      const failure = failureOf(error, this.envelope.id)
      this.log.error('DATA error', failure)
      return this.#outcomes(failed, failure)
    }
    return this.#outcomes(failed)
  }

  #outcomes(failed: ReadonlyMap<Address, SmtpError>, otherwise?: SmtpError): readonly (SmtpError | undefined)[] {
    return this.#recipients.map((to) => {
      const error = failed.get(to)
      if (error) {
        this.#settings.tally.failed('DATA', error)
        this.log.error('DATA error', error, { rcpt: formatAddress(to) })
      }
      return error ? failureOf(error, this.envelope.id) : otherwise
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#committed) this.#settings.tally.completed()
    else {
      this.#settings.tally.aborted()
      this.log.info('aborted')
    }
    try {
      await this.#delivery[Symbol.asyncDispose]()
    } finally {
      this.#slots?.[Symbol.dispose]()
    }
  }
}

const started = async (beginning: Promise<Delivery>, id: string): Promise<Delivery> => {
  try {
    return await beginning
  } catch (error) {
    throw failureOf(error, id)
  }
}

const cleanSender = ({ local, domain }: Path, { smtputf8 }: MailParameters): Address => {
  if (!smtputf8 && !isAscii(local + domain)) {
    throw SmtpError.permanent(550, '5.6.7', 'SMTPUTF8 is required for non-ASCII senders')
  }
  try {
    return { local, domain: cleanDomain(domain) }
  } catch (cause) {
    throw SmtpError.permanent(553, '5.1.7', 'Unable to normalize the sender address', { cause })
  }
}

const cleanRecipient = ({ local, domain }: Path, smtputf8: boolean): Address => {
  if (!smtputf8 && !isAscii(local + domain)) {
    throw SmtpError.permanent(553, '5.6.7', 'SMTPUTF8 is required for non-ASCII recipients')
  }
  try {
    return { local, domain: cleanDomain(domain) }
  } catch (cause) {
    throw SmtpError.permanent(501, '5.1.2', 'Unable to normalize the recipient address', { cause })
  }
}
