import type { Address } from '../kit/address/address.ts'
import { forLookup, formatAddress, sameAddress } from '../kit/address/index.ts'
import { authenticationResults, withoutForgedResults } from '../kit/mail_auth/authentication_results.ts'
import { evaluateDmarc } from '../kit/mail_auth/dmarc.ts'
import type { AuthenticationResult } from '../kit/mail_auth/result.ts'
import type { Header, Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Logger } from '../log.ts'
import type { Edits } from '../mail/check.ts'
import { chained, type Modification } from '../mail/modify.ts'
import { receivedField } from '../mail/received.ts'
import type { Delivery, RecipientParameters } from '../mail/target.ts'
import { Deliveries } from './deliveries.ts'
import { Inspections, within } from './inspections.ts'
import type { Way } from './pipeline.ts'
import type { Choice, Destination, Source } from './routes.ts'

/** One message on its way through a pipeline. */
export class Passage implements Delivery {
  readonly #way: Way
  readonly #envelope: Envelope
  readonly #log: Logger
  readonly #inspections: Inspections
  /** Of every message, and of this source. */
  readonly #rewriting: Required<Modification>[] = []
  /** The destinations in use, with their rewriting. */
  readonly #destinations = new Map<Destination, Required<Modification>>()
  readonly #given: { readonly to: Address; readonly original: Address }[] = []
  #source!: Source
  /** As checks of source and destination know it, and as targets do; null is `<>`. */
  #sender: Address | null
  #finalSender: Address | null
  #deliveries!: Deliveries

  private constructor(way: Way, envelope: Envelope) {
    this.#way = way
    this.#envelope = envelope
    this.#log = way.log.with({ msg_id: envelope.id })
    this.#inspections = new Inspections(envelope, { log: this.#log, counters: way.counters })
    this.#sender = this.#finalSender = envelope.reversePath
  }

  /** Throws SmtpError when the sender is refused. */
  static async begin(way: Way, envelope: Envelope): Promise<Passage> {
    const passage = new Passage(way, envelope)
    try {
      await passage.#begin()
      return passage
    } catch (error) {
      await passage[Symbol.asyncDispose]()
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { routes } = this.#way
    await this.#inspections.begin(routes.checks, this.#sender)
    this.#sender = await this.#rewrite(routes.modifiers, this.#sender)
    const key = this.#sender === null ? '' : lookupKey(this.#sender, unnormalizableSender)
    this.#source = await choose(routes, key)
    await this.#inspections.begin(this.#source.checks, this.#sender)
    this.#finalSender = await this.#rewrite(this.#source.modifiers, this.#sender)
    const unchanged = this.#finalSender === this.#envelope.reversePath
    this.#deliveries = new Deliveries(
      unchanged ? this.#envelope : { ...this.#envelope, reversePath: this.#finalSender },
    )
  }

  async #rewrite(modifiers: Source['modifiers'], sender: Address | null): Promise<Address | null> {
    if (modifiers.length === 0) return sender
    const rewriting = chained(modifiers).begin(this.#envelope)
    this.#rewriting.push(rewriting)
    return await rewriting.sender(sender)
  }

  async recipient(to: Address, { original = to }: Partial<RecipientParameters> = {}): Promise<void> {
    await this.#inspections.recipient(this.#way.routes.checks, to)
    await this.#inspections.recipient(this.#source.checks, to)
    await this.#route(to, original)
    this.#inspections.accepted(to)
    this.#given.push({ to, original })
  }

  /** Finds the way of a recipient; nothing is given to a target before all of its members have one. */
  async #route(to: Address, original: Address): Promise<void> {
    const parts: { readonly destination: Destination; readonly members: readonly Address[] }[] = []
    for (const member of await expand(this.#rewriting, to)) {
      const destination = await choose(this.#source, lookupKey(member, unnormalizableRecipient))
      const { refusal } = destination
      if (refusal) throw SmtpError.given(refusal.code, refusal.enhanced, refusal.message, { rcpt: formatAddress(to) })
      await this.#inspections.begin(destination.checks, this.#sender)
      await this.#inspections.recipient(destination.checks, member)
      parts.push({ destination, members: await expand([await this.#enter(destination)], member) })
    }
    await this.#deliveries.add(
      parts.flatMap(({ destination: { targets }, members }) =>
        // A copy where there was rewriting: results are told apart by the very objects, and a table may give one twice.
        members.map((member) => ({ to: member === to ? to : { ...member }, given: to, original, targets })),
      ),
    )
  }

  /** The rewriting of a destination, begun with its first recipient. */
  async #enter(destination: Destination): Promise<Required<Modification>> {
    const known = this.#destinations.get(destination)
    if (known) return known
    const rewriting = chained(destination.modifiers).begin(this.#envelope)
    this.#destinations.set(destination, rewriting)
    const sender = await rewriting.sender(this.#finalSender)
    if (!sameSender(sender, this.#finalSender)) {
      this.#log.info('a modifier of a destination cannot change the sender', {
        sender: sender && formatAddress(sender),
      })
    }
    return rewriting
  }

  async message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const { routes } = this.#way
    for (const { checks } of [routes, this.#source, ...this.#destinations.keys()]) {
      await this.#inspections.message(checks, message)
    }
    const edited = await this.#edit(message)
    const completed = await this.#complete(edited)
    let rewritten: Message = completed
    for (const rewriting of [...this.#rewriting, ...this.#destinations.values()]) {
      rewritten = await rewriting.message(rewritten)
    }
    return await this.#deliveries.message(rewritten)
  }

  /** Carries out what checks want changed. */
  async #edit(message: Message): Promise<Message> {
    let edited = message
    for (const edits of this.#inspections.edits) {
      edited = edits.message?.(edited) ?? edited
      await this.#readdress(edits)
    }
    return edited
  }

  async #readdress({ reversePath, add = [], remove = [] }: Edits): Promise<void> {
    if (reversePath !== undefined) this.#deliveries.resend({ ...this.#envelope, reversePath })
    if (remove.length > 0) this.#deliveries.remove((given) => remove.some((each) => sameAddress(each, given)))
    for (const to of add) {
      if (this.#given.some((given) => sameAddress(given.to, to)) && !remove.some((each) => sameAddress(each, to)))
        continue
      await this.#route(to, to).catch((error) =>
        this.#log.error('recipient was not added', error, { rcpt: formatAddress(to) }),
      )
    }
  }

  /** The message with the verdicts on it, and our trace. Throws SmtpError when DMARC refuses it. */
  async #complete(message: Message): Promise<Message> {
    const { authservId, dmarc, entry, hostname } = this.#way
    const inspections = this.#inspections
    const earlier = message.results ?? []
    const results = [...inspections.results]
    if (dmarc) results.push(await this.#judgeByDmarc(message.header, [...earlier, ...results]))
    const fields = [
      ...inspections.fields,
      ...(results.length > 0 ? [authenticationResults(authservId, results)] : []),
      ...(entry ? [receivedField(this.#envelope, hostname, entry)] : []),
    ]
    const header: Header = entry ? withoutForgedResults(message.header, authservId) : message.header
    return {
      header: fields.length > 0 ? header.prepend(...fields) : header,
      body: message.body,
      quarantined: message.quarantined || inspections.quarantined,
      results: [...earlier, ...results],
    }
  }

  /** Does with a message what the domain of its author asks for. Throws SmtpError when that is to refuse it. */
  async #judgeByDmarc(header: Header, results: readonly AuthenticationResult[]): Promise<AuthenticationResult> {
    const { dns } = this.#way
    const verdict = await within(dmarcTimeout, (signal) => evaluateDmarc({ header, results }, dns, signal))
    const { result, policy, error } = verdict
    if (error && policy === 'reject') throw this.#inspections.rejected(error, 'dmarc')
    if (error && policy === 'quarantine') this.#inspections.quarantine(error, 'dmarc')
    return result
  }

  commit(): Promise<void> {
    return this.#deliveries.commit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using open = new AsyncDisposableStack()
    open.use(this.#inspections)
    for (const rewriting of [...this.#rewriting, ...this.#destinations.values()]) open.use(rewriting)
    open.use(this.#deliveries)
  }
}

/** How long DMARC may take; milliseconds. */
const dmarcTimeout = 60_000

const expand = async (rewriting: readonly Required<Modification>[], to: Address): Promise<readonly Address[]> => {
  let rewritten: readonly Address[] = [to]
  for (const step of rewriting) rewritten = (await Promise.all(rewritten.map((each) => step.recipient(each)))).flat()
  return rewritten
}

const sameSender = (a: Address | null, b: Address | null): boolean =>
  a === b || (a !== null && b !== null && sameAddress(a, b))

const unnormalizableSender = () => SmtpError.permanent(501, '5.1.7', 'Unable to normalize the sender address')

const unnormalizableRecipient = () => SmtpError.permanent(553, '5.1.2', 'Unable to normalize the recipient address')

const lookupKey = (address: Address, refusal: () => SmtpError): string => {
  try {
    return forLookup(formatAddress(address))
  } catch {
    throw refusal()
  }
}

/** A table that cannot be asked is an outage, which must not turn into another route. */
const choose = async <T>({ tables, rules, otherwise }: Choice<T>, key: string): Promise<T> => {
  for (const { table, choice } of tables) if ((await table.lookup(key)).length > 0) return choice
  const domain = key.slice(key.lastIndexOf('@') + 1)
  return rules.get(key) ?? (domain === '' ? undefined : rules.get(domain)) ?? otherwise
}
