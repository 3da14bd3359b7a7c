import { SmtpError } from '../error.ts'
import { type LineRules, Lines } from './lines.ts'

export interface ContentRules extends LineRules {
  /** The largest content, in bytes; 0 for any. */
  readonly maxSize: number
}

/** How much may wait for the reader before the socket is no longer read; bytes. */
const highWater = 256 * 1024

export const tooBig = (): SmtpError => SmtpError.permanent(552, '5.3.4', 'Max message size exceeded')

/**
 * The content of one message on its way from the socket to the receiver: bytes that may be read once, while they arrive.
 * A reader that is slow holds the socket back. Reading throws SmtpError when the client went away, and when the content
 * breaks the rules: of its lines, and of its size.
 */
export class Content implements AsyncIterable<Uint8Array> {
  /** In bytes, as received so far, dots unstuffed. */
  size = 0
  readonly #maxSize: number
  readonly #lines: Lines
  readonly #queue: Uint8Array[] = []
  #waiting = 0
  #ended = false
  #discarding = false
  #failure: SmtpError | undefined
  #reader: (() => void) | undefined
  #drain: (() => void) | undefined

  constructor(rules: ContentRules) {
    this.#maxSize = rules.maxSize
    this.#lines = new Lines(rules)
  }

  /** True once a line was longer than the rules allow, after which the client cannot be talked to any more. */
  get lineTooLong(): boolean {
    return this.#lines.tooLong
  }

  /** The octets as sent, dots unstuffed. */
  push(chunk: Uint8Array): void {
    this.size += chunk.length
    if (this.#maxSize > 0 && this.size > this.#maxSize) this.fail(tooBig())
    this.#keep(() => this.#lines.check(chunk))
  }

  /** There is no more to come. */
  end(): void {
    this.#keep(() => this.#lines.end())
    this.#ended = true
    this.#wake()
  }

  /** The reader is to throw this; what else arrives is dropped. The first failure stands. */
  fail(error: SmtpError): void {
    this.#failure ??= error
    this.discard()
    this.#wake()
  }

  /** Nobody reads any more: drops what is there and what is still to come. */
  discard(): void {
    this.#discarding = true
    this.#queue.length = 0
    this.#waiting = 0
    this.#drained()
  }

  /** Calls `next` when there is room for more: now, or when the reader has caught up. */
  whenReady(next: () => void): void {
    if (this.#waiting < highWater) next()
    else this.#drain = next
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.discard()
        return { done: true, value: undefined }
      },
    }
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    while (true) {
      if (this.#failure) throw this.#failure
      if (this.#waiting > 0) return { done: false, value: this.#taken() }
      if (this.#ended || this.#discarding) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#reader = resolve
      })
    }
  }

  /** All that waits, in one piece: who sends single octets makes no long work of it. */
  #taken(): Uint8Array {
    const chunks = this.#queue.splice(0)
    this.#waiting = 0
    this.#drained()
    const [only] = chunks
    return only && chunks.length === 1 ? only : Buffer.concat(chunks)
  }

  #keep(checked: () => Uint8Array): void {
    if (this.#discarding) return
    try {
      const chunk = checked()
      if (chunk.length === 0) return
      this.#queue.push(chunk)
      this.#waiting += chunk.length
      this.#wake()
    } catch (error) {
      this.fail(SmtpError.from(error))
    }
  }

  #wake(): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.()
  }

  #drained(): void {
    const drain = this.#drain
    this.#drain = undefined
    drain?.()
  }
}
