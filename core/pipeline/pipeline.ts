import type { Position } from '../../grammar/node.ts'
import type { Address } from '../kit/address/address.ts'
import { forLookup, formatAddress } from '../kit/address/index.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Delivery, Target } from '../mail/target.ts'
import type { PipelineConfig } from './directives.ts'
import type { Choice, Destination, Source } from './routes.ts'
import { routesOf } from './routes.ts'

/** Routes messages by sender and recipient to targets. Throws ConfigError when its directives contradict each other. */
export class Pipeline implements Target {
  readonly #routes: Choice<Source>

  constructor(config: PipelineConfig, { at }: { readonly at: Position }) {
    this.#routes = routesOf(config, at)
  }

  async begin(envelope: Envelope): Promise<Delivery> {
    const { reversePath } = envelope
    const refusal = () => SmtpError.permanent(501, '5.1.7', 'Unable to normalize the sender address')
    const key = reversePath === null ? '' : lookupKey(reversePath, refusal)
    return new Routed(await choose(this.#routes, key, domainOf(key)), envelope)
  }
}

/** A message on its way through a pipeline: one delivery for each target that has a recipient. */
class Routed implements Delivery {
  readonly #source: Source
  readonly #envelope: Envelope
  readonly #started = new Map<Target, Started>()

  constructor(source: Source, envelope: Envelope) {
    this.#source = source
    this.#envelope = envelope
  }

  async recipient(to: Address): Promise<void> {
    const refusal = () => SmtpError.permanent(553, '5.1.2', 'Unable to normalize the recipient address')
    const key = lookupKey(to, refusal)
    const { refusal: refused, targets } = await choose<Destination>(this.#source, key, domainOf(key))
    if (refused) throw SmtpError.given(refused.code, refused.enhanced, refused.message, { rcpt: formatAddress(to) })
    for (const target of targets) {
      const started = await this.#start(target)
      await started.delivery.recipient(to)
      started.recipients.push(to)
    }
  }

  async message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const failed = new Map<Address, SmtpError>()
    for (const started of this.#started.values()) {
      const { delivery, recipients } = started
      if (recipients.length === 0) continue
      // A recipient with several targets has one result: the first failure.
      const results = await delivery.message(message).catch((error) => failure(recipients, error))
      for (const [to, error] of results) if (!failed.has(to)) failed.set(to, error)
      started.ready = recipients.some((to) => !results.has(to))
    }
    return failed
  }

  async commit(): Promise<void> {
    for (const { delivery, ready } of this.#started.values()) if (ready) await delivery.commit()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [only, another] = this.#started.values()
    if (!another) return only?.delivery[Symbol.asyncDispose]() // a stack costs more than most targets do
    await using open = new AsyncDisposableStack()
    for (const { delivery } of this.#started.values()) open.use(delivery)
  }

  async #start(target: Target): Promise<Started> {
    const known = this.#started.get(target)
    if (known) return known
    const started: Started = {
      delivery: await target.begin(this.#envelope),
      recipients: [],
      ready: false,
    }
    this.#started.set(target, started)
    return started
  }
}

interface Started {
  readonly delivery: Delivery
  readonly recipients: Address[]
  /** It has taken the content for at least one recipient. */
  ready: boolean
}

const failure = (recipients: readonly Address[], error: unknown): Map<Address, SmtpError> =>
  new Map(recipients.map((to) => [to, SmtpError.from(error)]))

const lookupKey = (address: Address, refusal: () => SmtpError): string => {
  try {
    return forLookup(formatAddress(address))
  } catch {
    throw refusal()
  }
}

const domainOf = (key: string): string => key.slice(key.lastIndexOf('@') + 1)

/** A table that cannot be asked is an outage, which must not turn into another route. */
const choose = async <T>({ tables, rules, otherwise }: Choice<T>, key: string, domain: string): Promise<T> => {
  for (const { table, choice } of tables) if ((await table.lookup(key)).length > 0) return choice
  return rules.get(key) ?? (domain === '' ? undefined : rules.get(domain)) ?? otherwise
}
