import type { Address } from '../kit/address/address.ts'
import { formatAddress } from '../kit/address/index.ts'
import type { Counters } from '../kit/counters.ts'
import type { AuthenticationResult } from '../kit/mail_auth/result.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { SmtpError } from '../kit/smtp/error.ts'
import type { Logger } from '../log.ts'
import type { Check, Edits, Inspection, Verdict } from '../mail/check.ts'
import type { Surroundings } from './pipeline.ts'

/** One check's view of the message: which stages it has been through. */
interface Seen {
  readonly check: Check
  readonly inspection: Inspection
  /** It has judged client and sender. */
  begun: boolean
  readonly recipients: Set<string>
  /** How many of the accepted recipients it has been shown. */
  shown: number
}

type Stage = (inspection: Inspection, signal: AbortSignal) => Promise<Verdict | undefined> | undefined

/**
 * What all checks have to say of one message. A check that stands in several blocks has one state; one that comes in late,
 * since its block is chosen late, is shown first what it has missed.
 */
export class Inspections implements AsyncDisposable {
  /** A check, or the policy of the author's domain, has found the message fit for Junk only. */
  quarantined = false
  /** In the order of the checks of each list, list by list. */
  readonly results: AuthenticationResult[] = []
  readonly fields: (string | Uint8Array)[] = []
  readonly edits: Edits[] = []
  readonly #envelope: Envelope
  readonly #log: Logger
  readonly #counters: Counters
  readonly #seen = new Map<Check, Seen>()
  readonly #recipients: Address[] = []

  constructor(envelope: Envelope, { log, counters }: Pick<Surroundings, 'log' | 'counters'>) {
    this.#envelope = envelope
    this.#log = log
    this.#counters = counters
  }

  /** Shows client and sender to checks that have not seen them; null is `<>`. Throws SmtpError when one of them refuses. */
  async begin(checks: readonly Check[], sender: Address | null): Promise<void> {
    if (checks.length === 0) return
    const late = checks.map((check) => this.#state(check)).filter(({ begun }) => !begun)
    for (const seen of late) seen.begun = true
    await this.#run(late, 'connection', (inspection, signal) => inspection.connection?.(signal))
    await this.#run(late, 'sender', (inspection, signal) => inspection.sender?.(sender, signal))
  }

  /** Shows a recipient to checks that have begun, and those before to who has missed them. Throws SmtpError. */
  async recipient(checks: readonly Check[], to: Address): Promise<void> {
    if (checks.length === 0) return
    const states = checks.map((check) => this.#state(check))
    for (let at = Math.min(...states.map(({ shown }) => shown)); at < this.#recipients.length; at++) {
      const earlier = this.#recipients[at]
      if (earlier) await this.#showRecipient(states, earlier)
    }
    for (const seen of states) seen.shown = this.#recipients.length
    await this.#showRecipient(states, to)
  }

  /** Remembers a recipient that has been accepted, for checks that come in later. */
  accepted(to: Address): void {
    this.#recipients.push(to)
  }

  /** Shows the content to checks that have begun. Throws SmtpError when one of them refuses. */
  async message(checks: readonly Check[], message: Message): Promise<void> {
    if (checks.length === 0) return
    const states = checks.map((check) => this.#state(check))
    await this.#run(states, 'message', (inspection, signal) => inspection.message?.(message, signal))
  }

  async #showRecipient(states: readonly Seen[], to: Address): Promise<void> {
    const key = formatAddress(to)
    const late = states.filter(({ recipients }) => !recipients.has(key))
    for (const { recipients } of late) recipients.add(key)
    await this.#run(late, 'recipient', (inspection, signal) => inspection.recipient?.(to, signal))
  }

  #state(check: Check): Seen {
    const known = this.#seen.get(check)
    if (known) return known
    const seen: Seen = { check, inspection: check.begin(this.#envelope), begun: false, recipients: new Set(), shown: 0 }
    this.#seen.set(check, seen)
    return seen
  }

  /** Runs a stage of all at once, and takes in what they found. Throws the first refusal, in the order of the checks. */
  async #run(states: readonly Seen[], name: Exclude<keyof Inspection, symbol>, stage: Stage): Promise<void> {
    const involved = states.filter(({ inspection }) => inspection[name])
    if (involved.length === 0) return
    const verdicts = await Promise.allSettled(involved.map((seen) => judged(seen, stage)))
    let refusal: SmtpError | undefined
    let failure: SmtpError | undefined
    for (const [at, verdict] of verdicts.entries()) {
      const check = involved[at]?.check.name ?? ''
      if (verdict.status === 'rejected') failure ??= this.#failed(verdict.reason, check)
      else if (verdict.value) refusal ??= this.#take(verdict.value, check)
    }
    if (refusal ?? failure) throw refusal ?? failure
  }

  /** Returns the reason when the verdict is a refusal. */
  #take({ reason, action, results = [], fields = [], edits }: Verdict, check: string): SmtpError | undefined {
    this.results.push(...results)
    this.fields.push(...fields)
    if (edits) this.edits.push(edits)
    if (!reason) return undefined
    if (action === 'reject') return this.rejected(reason, check)
    if (action === 'quarantine') this.quarantine(reason, check)
    else this.#log.error('no check action', reason)
    return undefined
  }

  /** Counts a refusal, which it returns. */
  rejected(reason: SmtpError, check: string): SmtpError {
    this.#counters.add('maddy_check_reject', { check })
    return reason
  }

  quarantine(reason: SmtpError, check: string): void {
    this.quarantined = true
    this.#counters.add('maddy_check_quarantined', { check })
    this.#log.error('quarantined', reason)
  }

  /** A check that could not judge lets nothing through. */
  #failed(error: unknown, check: string): SmtpError {
    this.#log.error('check failed', error, { check })
    return SmtpError.from(error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#seen.size === 0) return
    await using open = new AsyncDisposableStack()
    for (const { inspection } of this.#seen.values()) open.defer(async () => inspection[Symbol.asyncDispose]?.())
  }
}

const judged = ({ check, inspection }: Seen, stage: Stage): Promise<Verdict | undefined> =>
  within(check.timeout, async (signal) => stage(inspection, signal))

/** Lets a check work, for no longer than it may. Rejects when it does not come to an end. */
export const within = async <T>(timeout: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const giveUp = () => {
    const reason = new Error('the check took too long')
    deadline.abort(reason)
    reject(reason)
  }
  const timer = timeout > 0 ? setTimeout(giveUp, Math.min(timeout, longestTimer)) : undefined
  work(deadline.signal).then(resolve, reject)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
  }
}

/** Milliseconds; what is longer, Node takes for one. */
const longestTimer = 2 ** 31 - 1
