import type {
  Address,
  Delivery,
  Envelope,
  FilterVerdict,
  ImapFilter,
  Logger,
  Message,
  RecipientParameters,
} from '../../../core/index.ts'
import { SmtpError, StorageError } from '../../../core/index.ts'
import { formatAddress } from '../../../core/kit/address/index.ts'
import { WriterError } from '../../../core/kit/sql/writer/index.ts'
import { isFlag } from './flags.ts'
import type { Parts } from './mailbox.ts'
import type { Prepared } from './prepare.ts'
import { prepare, storedSize } from './prepare.ts'
import { isOver, readQuota } from './reading/quota.ts'

export interface DeliveryOptions {
  readonly parts: Parts
  /** The account a recipient stands for, in lower case; undefined when there is none. Throws when that cannot be told. */
  readonly accountOf: (address: string) => Promise<string | undefined>
  readonly filters: readonly ImapFilter[]
  readonly junkMailbox: string
  readonly log: Logger
}

/** Accounts whose filters run side by side. */
const filtersAtOnce = 8

interface Recipient {
  readonly id: number
  readonly account: string
  /** Those that led here. */
  readonly addresses: Address[]
  /** The first of them before any rewriting. */
  readonly original: Address
  readonly limited: boolean
}

/** One message on its way into mailboxes. */
export class SqlDelivery implements Delivery {
  readonly #options: DeliveryOptions
  readonly #envelope: Envelope
  readonly #log: Logger
  readonly #recipients = new Map<number, Recipient>()
  #prepared: Prepared | undefined

  constructor(options: DeliveryOptions, envelope: Envelope) {
    this.#options = options
    this.#envelope = envelope
    this.#log = options.log.with({ msg_id: envelope.id })
  }

  async recipient(to: Address, { original = to }: Partial<RecipientParameters> = {}): Promise<void> {
    const { parts, accountOf } = this.#options
    const account = await accountOf(formatAddress(to)).catch((cause) => {
      throw SmtpError.temporary(451, '4.3.0', 'Internal server error, try again later', { cause })
    })
    const quota = account === undefined ? undefined : await readQuota(parts.engine, account)
    if (account === undefined || !quota) throw SmtpError.permanent(501, '5.1.1', 'User does not exist')
    if (isOver(quota)) throw overQuota()
    const { account: id, limit } = quota
    const known = this.#recipients.get(id)
    if (known) known.addresses.push(to)
    else this.#recipients.set(id, { id, account, addresses: [to], original, limited: limit > 0 })
  }

  async message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const failed = await this.#leaveOutFull(message)
    if (failed.size > 0 && this.#recipients.size === 0) throw overQuota()
    const verdicts = message.quarantined ? new Map() : await this.#filterAll(message)
    this.#prepared = await prepare(message, this.#envelope, [...this.#recipients.values()], {
      junk: message.quarantined ? this.#options.junkMailbox : undefined,
      verdicts,
    })
    return failed
  }

  /**
   * Leaves out the accounts that this message is too much for, which keeps it from no other. `commit` looks again, in the
   * transaction that adds the message: what came in between is rare, but would be one message too many.
   */
  async #leaveOutFull(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const failed = new Map<Address, SmtpError>()
    const limited = [...this.#recipients.values()].filter((each) => each.limited)
    if (limited.length === 0) return failed
    const sizeFor = storedSize(message, this.#envelope)
    for (const { id, account, addresses } of limited) {
      const quota = await readQuota(this.#options.parts.engine, account)
      if (!quota || !isOver(quota, sizeFor(account))) continue
      this.#recipients.delete(id)
      for (const address of addresses) failed.set(address, overQuota())
    }
    return failed
  }

  async #filterAll(message: Message): Promise<ReadonlyMap<number, FilterVerdict>> {
    const verdicts = new Map<number, FilterVerdict>()
    if (this.#options.filters.length === 0) return verdicts
    const left = [...this.#recipients.values()]
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) verdicts.set(next.id, await this.#filter(next, message))
    }
    await Promise.all(Array.from({ length: filtersAtOnce }, work))
    return verdicts
  }

  /** The first folder that a filter names, and the flags of all. One that fails counts as absent. */
  async #filter({ account, addresses, original }: Recipient, message: Message): Promise<FilterVerdict> {
    let folder: string | undefined
    const flags: string[] = []
    for (const filter of this.#options.filters) {
      try {
        const [recipient] = addresses as [Address]
        const input = { envelope: this.#envelope, account, recipient, original, message }
        const verdict = await filter.filter(input)
        folder ??= verdict.folder
        flags.push(...verdict.flags.filter(isFlag))
      } catch (error) {
        this.#log.error('IMAP filter failed', error, { account })
      }
    }
    return { folder, flags }
  }

  async commit(): Promise<void> {
    const { parts } = this.#options
    const prepared = this.#prepared
    if (!prepared) throw new Error('commit before message')
    this.#prepared = undefined
    const accounts = [...this.#recipients.keys()]
    try {
      await parts.bodies.keep(prepared.contents, (gather, bytes) =>
        parts.engine.run(
          'deliver',
          async () => ({ arrivals: prepared.arrivals(await gather()), open: parts.changes.openIn(accounts) }),
          bytes,
        ),
      )
    } catch (error) {
      throw replyTo(error, accounts.length)
    }
  }

  /** Nothing is written before `commit`, so that nothing is to be taken back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#prepared = undefined
  }
}

const overQuota = (): SmtpError => SmtpError.permanent(552, '5.2.2', 'Mailbox quota exceeded')

/** What a sender is told when a message cannot be stored: try again, but for a full account. */
const replyTo = (error: unknown, accounts: number): SmtpError => {
  if (error instanceof StorageError && error.kind === 'over_quota') {
    // It became full after `message`. Nobody has got anything; the next attempt will tell which of several it is.
    if (accounts === 1) return overQuota()
    return SmtpError.temporary(452, '4.2.2', 'Mailbox quota exceeded, try again later', { cause: error })
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOSPC' || code === 'EDQUOT' || (error instanceof WriterError && error.kind === 'full')) {
    return SmtpError.temporary(452, '4.3.1', 'Insufficient system storage', { cause: error })
  }
  if (error instanceof WriterError && error.kind === 'busy') {
    return SmtpError.temporary(453, '4.3.2', 'Internal server error, try again later', { cause: error })
  }
  if (error instanceof StorageError && error.kind === 'missing') {
    // The account was deleted between RCPT and the end of data; the next attempt will hear so.
    return SmtpError.temporary(451, '4.2.0', 'Mailbox unavailable, try again later', { cause: error })
  }
  return SmtpError.temporary(451, '4.3.0', 'Internal server error', { cause: error })
}
