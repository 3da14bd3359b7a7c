import type { Address } from '../kit/address/address.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Delivery, Target } from '../mail/target.ts'

/** A recipient as a target knows it, and as it was given to the pipeline. */
interface Addressee {
  readonly to: Address
  readonly given: Address
  readonly original: Address
  readonly targets: readonly Target[]
}

/** One target's part of a message. */
interface Started {
  delivery: Delivery
  readonly addressees: Addressee[]
  /** It knows of a sender or recipients that have changed since, and has to be begun anew. */
  stale: boolean
  /** It has taken the content for at least one recipient. */
  ready: boolean
}

/** Each takes up memory, and a client that has found a list could name it as often as there may be recipients. */
const mostAddressees = 100_000

/** The deliveries of one message: one for each target that has a recipient, begun when it gets its first. */
export class Deliveries implements AsyncDisposable {
  readonly #started = new Map<Target, Started>()
  readonly #most: number
  #envelope: Envelope
  #count = 0

  /** `most` is for all recipients together; members of lists and further targets count. */
  constructor(envelope: Envelope, most = mostAddressees) {
    this.#envelope = envelope
    this.#most = most
  }

  /** Gives recipients to all of their targets. Throws what the first that refuses throws, and no target keeps any of them. */
  async add(addressees: readonly Addressee[]): Promise<void> {
    const count = addressees.reduce((sum, { targets }) => sum + targets.length, 0)
    if (this.#count > 0 && this.#count + count > this.#most) {
      throw SmtpError.temporary(452, '4.5.3', 'Too many recipients') // RFC 5321 §4.5.3.1.10: the rest is sent apart
    }
    const added = new Set<Addressee>()
    try {
      for (const addressee of addressees) {
        for (const target of addressee.targets) {
          const started = await this.#start(target)
          await started.delivery.recipient(addressee.to, { original: addressee.original })
          started.addressees.push(addressee)
          added.add(addressee)
        }
      }
      this.#count += count
    } catch (error) {
      if (added.size > 0) this.#drop((each) => added.has(each))
      throw error
    }
  }

  /** Takes recipients back, by what was given to the pipeline. */
  remove(gone: (given: Address) => boolean): void {
    this.#drop(({ given }) => gone(given))
  }

  /** Another sender, for all targets. */
  resend(envelope: Envelope): void {
    this.#envelope = envelope
    for (const started of this.#started.values()) started.stale = true
  }

  /** Gives all targets the content. Resolves to who does not get it, by what was given to the pipeline. */
  async message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    const failed = new Map<Address, SmtpError>()
    const fail = ({ given }: Addressee, error: SmtpError) => {
      if (!failed.has(given)) failed.set(given, error) // one who has several targets has one result, the first failure
    }
    for (const [target, started] of this.#started) {
      if (started.addressees.length === 0) continue
      try {
        if (started.stale) await this.#renew(target, started, fail)
        const { delivery, addressees } = started
        if (addressees.length === 0) continue
        const results = await delivery.message(message)
        for (const each of addressees) {
          const error = results.get(each.to)
          if (error) fail(each, error)
        }
        started.ready = addressees.some(({ to }) => !results.has(to))
      } catch (error) {
        for (const each of started.addressees) fail(each, SmtpError.from(error))
      }
    }
    return failed
  }

  /** Commits what was taken, up to the first that fails. */
  async commit(): Promise<void> {
    for (const { delivery, ready } of this.#started.values()) if (ready) await delivery.commit()
  }

  async #start(target: Target): Promise<Started> {
    const known = this.#started.get(target)
    if (known) return known
    const started: Started = {
      delivery: await target.begin(this.#envelope),
      addressees: [],
      stale: false,
      ready: false,
    }
    this.#started.set(target, started)
    return started
  }

  #drop(gone: (addressee: Addressee) => boolean): void {
    for (const started of this.#started.values()) {
      const kept = started.addressees.filter((each) => !gone(each))
      if (kept.length === started.addressees.length) continue
      started.addressees.splice(0, Number.POSITIVE_INFINITY, ...kept)
      started.stale = true
    }
  }

  /** A target cannot unlearn what it was told, so it is told anew. */
  async #renew(target: Target, started: Started, fail: (each: Addressee, error: SmtpError) => void): Promise<void> {
    await started.delivery[Symbol.asyncDispose]()
    started.delivery = await target.begin(this.#envelope)
    started.stale = false
    for (const each of started.addressees.splice(0)) {
      try {
        await started.delivery.recipient(each.to, { original: each.original })
        started.addressees.push(each)
      } catch (error) {
        fail(each, SmtpError.from(error))
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [only, another] = this.#started.values()
    // A stack costs more than most targets do.
    if (!another) return only?.delivery[Symbol.asyncDispose]()
    await using open = new AsyncDisposableStack()
    for (const { delivery } of this.#started.values()) open.use(delivery)
  }
}
