import { type ErrorFields, SmtpClientError } from './error.ts'
import { fault, outOfTurn, type Reply, replyText } from './reply.ts'
import type { Wire } from './wire.ts'

export interface DialogueOptions {
  /** For each command; milliseconds. */
  readonly timeout: number
  readonly fields: ErrorFields
  /** Is told what is said, `C: ` or `S: ` and a line; neither credentials nor content. */
  readonly trace?: ((line: string) => void) | undefined
}

/**
 * Commands and their replies, each reply to the command whose turn it is. Where the server takes it (RFC 2920), commands that
 * are given together leave together; otherwise each waits for the reply to the one before.
 */
export class Dialogue {
  readonly wire: Wire
  readonly options: DialogueOptions
  /** Set once the server has offered PIPELINING. */
  pipelining = false
  /** Settles when all commands so far have been answered. */
  #answered: Promise<unknown> = Promise.resolve()
  #unanswered = 0

  constructor(wire: Wire, options: DialogueOptions) {
    this.wire = wire
    this.options = options
  }

  /** The reply that comes without a command: the greeting. */
  async greeting(): Promise<Reply> {
    return this.heard(await this.wire.reply(this.options.timeout))
  }

  /** Says a line, and resolves to its reply; `shown` is what the trace is told. Throws as Wire does, and for a server out of turn. */
  async command(line: string, shown = line): Promise<Reply> {
    if (/[\r\n\0]/.test(line)) throw new RangeError('a command is one line')
    if (this.#unanswered === 0) this.checkSilence()
    const before = this.#answered
    const atOnce = this.pipelining || this.#unanswered === 0
    this.#unanswered++
    if (atOnce) this.#say(line, shown)
    const reply = this.#turn(before, atOnce ? undefined : () => this.#say(line, shown))
    this.#answered = reply.catch(() => {})
    return reply
  }

  /** Says a line whose reply has to be positive, or an intermediate one. Throws SmtpError in the server's words otherwise. */
  async demand(line: string, expected: 2 | 3 = 2, shown = line): Promise<Reply> {
    const reply = await this.command(line, shown)
    this.check(reply, expected)
    return reply
  }

  /** Throws what is wrong with a reply, after which a server that talks nonsense is talked to no more. */
  check(reply: Reply, expected: 2 | 3): void {
    const error = fault(reply, expected, this.options.fields)
    if (error instanceof SmtpClientError) this.wire.destroy()
    if (error) throw error
  }

  /** Resolves when nothing is left to be answered. */
  async idle(): Promise<void> {
    await this.#answered
  }

  /**
   * Throws when the server has spoken without being asked: it says goodbye, or has lost its place, and what it said would be
   * taken for the reply to what comes next.
   */
  checkSilence(): void {
    const reply = this.wire.takeReply()
    if (!reply && !this.wire.unread) return
    this.wire.destroy()
    throw outOfTurn(reply && this.heard(reply), this.options.fields)
  }

  async #turn(before: Promise<unknown>, say: (() => void) | undefined): Promise<Reply> {
    await before
    try {
      say?.()
      return this.heard(await this.wire.reply(this.options.timeout))
    } finally {
      this.#unanswered--
    }
  }

  #say(line: string, shown: string): void {
    this.options.trace?.(`C: ${shown}`)
    this.wire.send(`${line}\r\n`)
  }

  /** Tells the trace of a reply, which it returns. */
  heard(reply: Reply): Reply {
    this.options.trace?.(`S: ${reply.code} ${replyText(reply)}`)
    return reply
  }
}
