import { longestTimer } from '../kit/abort.ts'
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
  /**
   * What it has been shown, by a key for each, and its refusal where it refused that. Nobody is shown anything twice, and
   * a refusal stands for the rest of the message: a client that names a recipient again gets the same reply.
   */
  readonly judged: Map<string | symbol, SmtpError | undefined>
  /** How many of the accepted recipients it has been shown. */
  shown: number
}

interface Stage {
  readonly name: Exclude<keyof Inspection, symbol>
  /** What is shown. */
  readonly key: string | symbol
  show(inspection: Inspection, signal: AbortSignal): Promise<Verdict | undefined> | undefined
}

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
    const states = this.#states(checks)
    await this.#run(states, {
      name: 'connection',
      key: 'connection',
      show: (inspection, signal) => inspection.connection?.(signal),
    })
    await this.#run(states, {
      name: 'sender',
      key: 'sender',
      show: (inspection, signal) => inspection.sender?.(sender, signal),
    })
  }

  /** Shows a recipient to checks that have begun, and those before to who has missed them. Throws SmtpError. */
  async recipient(checks: readonly Check[], to: Address): Promise<void> {
    if (checks.length === 0) return
    const states = this.#states(checks)
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
    await this.#run(this.#states(checks), {
      name: 'message',
      key: Symbol('message'), // once for each block
      show: (inspection, signal) => inspection.message?.(message, signal),
    })
  }

  #showRecipient(states: readonly Seen[], to: Address): Promise<void> {
    return this.#run(states, {
      name: 'recipient',
      key: `recipient ${formatAddress(to)}`,
      show: (inspection, signal) => inspection.recipient?.(to, signal),
    })
  }

  /** One for each check, however often it is listed. */
  #states(checks: readonly Check[]): readonly Seen[] {
    return [...new Set(checks.map((check) => this.#state(check)))]
  }

  #state(check: Check): Seen {
    const known = this.#seen.get(check)
    if (known) return known
    const seen: Seen = { check, inspection: check.begin(this.#envelope), judged: new Map(), shown: 0 }
    this.#seen.set(check, seen)
    return seen
  }

  /**
   * Runs a stage of all at once, and takes in what they found. Throws the first refusal for good in the order of the checks,
   * or else the first.
   */
  async #run(states: readonly Seen[], stage: Stage): Promise<void> {
    const { name, key } = stage
    const involved = states.filter(({ inspection }) => inspection[name])
    if (involved.length === 0) return
    const late = involved.filter(({ judged }) => !judged.has(key))
    const verdicts = await Promise.allSettled(late.map((seen) => judge(seen, stage)))
    for (const [at, { check, judged }] of late.entries()) judged.set(key, this.#outcome(verdicts[at], check.name))
    const refusals = involved.flatMap(({ judged }) => judged.get(key) ?? [])
    if (refusals.length > 0) throw refusals.find(({ temporary }) => !temporary) ?? refusals[0]
  }

  /** Takes in what a check found. Returns the refusal, if it is one. */
  #outcome(verdict: PromiseSettledResult<Verdict | undefined> | undefined, check: string): SmtpError | undefined {
    if (verdict?.status === 'rejected') return this.#failed(verdict.reason, check)
    return verdict?.value && this.#take(verdict.value, check)
  }

  #take({ reason: found, action, results = [], fields = [], edits }: Verdict, check: string): SmtpError | undefined {
    this.results.push(...results)
    this.fields.push(...fields)
    if (edits) this.edits.push(edits)
    if (!found) return undefined
    const reason = found.noting({ check })
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
    return SmtpError.from(error).noting({ check })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#seen.size === 0) return
    await using open = new AsyncDisposableStack()
    for (const { inspection } of this.#seen.values()) open.defer(async () => inspection[Symbol.asyncDispose]?.())
  }
}

const judge = ({ check, inspection }: Seen, { show }: Stage): Promise<Verdict | undefined> =>
  within(check.timeout, async (signal) => show(inspection, signal))

/** Lets a check work, for no longer than it may. Rejects when it does not come to an end. */
export const within = async <T>(timeout: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const giveUp = () => {
    const reason = new Error(`the check took too long (${timeout} ms)`)
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
