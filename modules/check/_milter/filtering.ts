import type { Address, Envelope, Inspection, Logger, Message, Resolver, Verdict } from '../../../core/index.ts'
import { timeLimit } from '../../../core/kit/abort.ts'
import {
  type Answer,
  type MilterAddress,
  MilterClient,
  MilterError,
  type Symbols,
} from '../../../core/kit/milter/index.ts'
import { Changes, type Limits } from './changes.ts'
import { showContent, UnreadableBody } from './content.ts'
import {
  addressText,
  clientName,
  connectionSymbols,
  messageSymbols,
  recipientSymbols,
  senderSymbols,
} from './symbols.ts'
import { ioError, quarantined, unreadableBody, verdictOf } from './verdict.ts'

/** A filter, and how to deal with it. */
export interface Filter extends Limits {
  /** As written, for the log. */
  readonly name: string
  readonly address: MilterAddress
  /** For each packet; milliseconds, 0 for as long as it takes. */
  readonly ioTimeout: number
  /** For a stage as a whole; milliseconds, 0 for as long as it takes. */
  readonly stageTimeout: number
  /** Mail passes when the filter cannot be used. */
  readonly failOpen: boolean
  readonly hostname: string | undefined
  readonly dns: Resolver
  readonly log: Logger
}

/** One message before a filter, on a connection of its own. */
export class Filtering implements Inspection {
  readonly #filter: Filter
  readonly #envelope: Envelope
  #client: MilterClient | undefined
  #symbols: Symbols = {}
  #recipients = 0
  #changes: Changes | undefined
  /** Set once the filter is asked no more; what it said, or would say, of every further stage. */
  #over: { readonly verdict: Verdict | undefined } | undefined

  constructor(filter: Filter, envelope: Envelope) {
    this.#filter = filter
    this.#envelope = envelope
  }

  connection(signal: AbortSignal): Promise<Verdict | undefined> {
    return this.#stage(signal, async (limit) => {
      const { address, dns, hostname, ioTimeout } = this.#filter
      const { origin } = this.#envelope
      const name = await clientName(origin, dns, ioTimeout, limit)
      this.#symbols = connectionSymbols(this.#envelope, name, hostname)
      const client = await MilterClient.open(address, ioTimeout, limit)
      this.#client = client
      const peer = { name: name.name, address: origin.peer }
      if (await this.#ends(await client.connect(peer, this.#symbols, limit))) return this.#over?.verdict
      await this.#ends(await client.helo(origin.helo, this.#symbols, limit))
      return this.#over?.verdict
    })
  }

  sender(from: Address | null, signal: AbortSignal): Promise<Verdict | undefined> {
    return this.#stage(signal, async (limit) => {
      const client = this.#open()
      const { requireTls, smtputf8 } = this.#envelope
      const parameters = [...(smtputf8 ? ['SMTPUTF8'] : []), ...(requireTls ? ['REQUIRETLS'] : [])]
      this.#symbols = { ...this.#symbols, ...senderSymbols(from, smtputf8) }
      const sender = `<${from ? addressText(from, smtputf8) : ''}>`
      await this.#ends(await client.mail(sender, parameters, this.#symbols, limit))
      return this.#over?.verdict
    })
  }

  recipient(to: Address, signal: AbortSignal): Promise<Verdict | undefined> {
    return this.#stage(signal, async (limit) => {
      const client = this.#open()
      const { smtputf8 } = this.#envelope
      const symbols = { ...this.#symbols, ...recipientSymbols(to, smtputf8) }
      const answer = await client.recipient(`<${addressText(to, smtputf8)}>`, [], symbols, limit)
      if (ofRecipient.has(answer.kind)) return verdictOf(answer)
      this.#recipients++
      await this.#ends(answer)
      return this.#over?.verdict
    })
  }

  message(message: Message, signal: AbortSignal): Promise<Verdict | undefined> {
    return this.#stage(signal, async (limit) => {
      const client = this.#open()
      const symbols = { ...this.#symbols, ...messageSymbols(message, this.#recipients) }
      for await (const answer of showContent(client, message, symbols, limit)) {
        if (await this.#ends(answer)) return this.#over?.verdict
      }
      const changes = new Changes(message.header, client.has('leadingSpace'), this.#filter)
      this.#changes = changes
      const answer = await client.endOfMessage(symbols, (change) => changes.apply(change), limit)
      const refusal = verdictOf(answer)
      this.#over = { verdict: undefined } // another block may show the message again
      await client.quit()
      const verdict = changes.quarantine === undefined ? refusal : quarantined(changes.quarantine)
      return { ...verdict, ...(await changes.verdict()) }
    })
  }

  #open(): MilterClient {
    if (!this.#client) throw new Error('a filter has to see the client before the message')
    return this.#client
  }

  /** Whether the filter wants to see no more of the message: it has accepted or refused the whole of it. */
  async #ends(answer: Answer): Promise<boolean> {
    const verdict = verdictOf(answer)
    if (!verdict && answer.kind !== 'accept') return false
    this.#over = { verdict }
    this.#filter.log.debug('milter is done', {
      msg_id: this.#envelope.id,
      milter: this.#filter.name,
      answer: answer.kind,
    })
    await this.#client?.quit()
    return true
  }

  /** One stage, unless the filter has had enough before; what is wrong with the filter itself becomes a verdict. */
  async #stage(
    signal: AbortSignal,
    ask: (limit: AbortSignal) => Promise<Verdict | undefined>,
  ): Promise<Verdict | undefined> {
    if (this.#over) return this.#over.verdict
    const { stageTimeout } = this.#filter
    const own = stageTimeout > 0 ? timeLimit(stageTimeout) : undefined
    try {
      return await ask(own ? AbortSignal.any([signal, own]) : signal)
    } catch (error) {
      this.#client?.destroy()
      // What is thrown defers this stage; without a filter the ones that follow must not pass either.
      this.#over = { verdict: ioError(error, this.#filter.name) }
      if (signal.aborted) throw error
      this.#over = { verdict: this.#failed(error, own?.aborted) }
      return this.#over.verdict
    }
  }

  /** Throws what nobody foresaw. */
  #failed(error: unknown, late = false): Verdict | undefined {
    if (error instanceof UnreadableBody) return unreadableBody(error.cause, this.#filter.name)
    if (!late && !(error instanceof MilterError)) throw error
    const { failOpen, log, name } = this.#filter
    if (!failOpen) return ioError(error, name)
    log.error('milter skipped', error, { msg_id: this.#envelope.id, milter: name })
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changes?.[Symbol.asyncDispose]()
    if (!this.#over) await this.#client?.quit({ abort: true })
  }
}

/** Answers to RCPT that concern that recipient alone. */
const ofRecipient: ReadonlySet<Answer['kind']> = new Set(['reject', 'tempfail', 'reply'])
