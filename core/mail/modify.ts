import type { Address } from '../kit/address/address.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'
import { role } from '../role.ts'

/** Rewrites messages: their sender, recipients, header. */
export interface Modifier {
  /** The state of one message. */
  begin(envelope: Envelope): Modification
}

export const Modifier = role<Modifier>('modify')

/** What one modifier does to one message. A step that throws refuses what it was asked for. */
export interface Modification extends Partial<AsyncDisposable> {
  /** The sender instead of this one; null is `<>`. Called once, before any recipient. */
  sender?(from: Address | null): Promise<Address | null>
  /** The recipients instead of this one: usually one, several for a list. */
  recipient?(to: Address): Promise<readonly Address[]>
  /** The message as it goes on: with other fields on top, usually. Called once, after the checks. */
  message?(message: Message): Promise<Message>
}

/** Several modifiers as one: each works on what the one before it has made of the message. */
export const chained = (modifiers: readonly Modifier[]): { begin(envelope: Envelope): Required<Modification> } => ({
  begin: (envelope) => new Chain(modifiers.map((modifier) => modifier.begin(envelope))),
})

class Chain implements Required<Modification> {
  readonly #steps: readonly Modification[]

  constructor(steps: readonly Modification[]) {
    this.#steps = steps
  }

  async sender(from: Address | null): Promise<Address | null> {
    let rewritten = from
    for (const step of this.#steps) if (step.sender) rewritten = await step.sender(rewritten)
    return rewritten
  }

  async recipient(to: Address): Promise<readonly Address[]> {
    let rewritten: readonly Address[] = [to]
    for (const step of this.#steps) {
      if (!step.recipient) continue
      const next: Address[] = []
      for (const each of rewritten) next.push(...(await step.recipient(each)))
      rewritten = next
    }
    return rewritten
  }

  async message(message: Message): Promise<Message> {
    let rewritten = message
    for (const step of this.#steps) if (step.message) rewritten = await step.message(rewritten)
    return rewritten
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#steps.length === 0) return
    await using open = new AsyncDisposableStack()
    for (const step of this.#steps) open.defer(async () => step[Symbol.asyncDispose]?.())
  }
}
