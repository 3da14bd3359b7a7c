import { SmtpError } from '../error.ts'

export interface ContentRules {
  /** The largest content, in bytes; 0 for any. */
  readonly maxSize: number
  /** Octets in a line without its CRLF; Infinity for any. */
  readonly maxLine: number
  /** What becomes of a CR or LF on its own: a refusal, or a CRLF. */
  readonly bareNewlines: 'refuse' | 'normalize'
}

const CR = 13
const LF = 10
/** How much may wait for the reader before the socket is no longer read; bytes. */
const highWater = 256 * 1024
const crlf = Buffer.from('\r\n')

export const tooBig = (): SmtpError => SmtpError.permanent(552, '5.3.4', 'Max message size exceeded')

/**
 * The content of one message on its way from the socket to the receiver: bytes that may be read once, while they arrive.
 * A reader that is slow holds the socket back. Reading throws SmtpError when the client went away, and when the content
 * breaks the rules: every line ends in CRLF and none is too long (RFC 5321 §2.3.8, §4.5.3.1.6), the whole is not too big.
 */
export class Content implements AsyncIterable<Uint8Array> {
  /** In bytes, as received so far, dots unstuffed. */
  size = 0
  /** True once a line was longer than the rules allow, after which the client cannot be talked to any more. */
  lineTooLong = false
  readonly #rules: ContentRules
  readonly #queue: Uint8Array[] = []
  #waiting = 0
  #line = 0
  #afterCR = false
  #ended = false
  #discarding = false
  #failure: SmtpError | undefined
  #reader: (() => void) | undefined
  #drain: (() => void) | undefined

  constructor(rules: ContentRules) {
    this.#rules = rules
  }

  /** The octets as sent, dots unstuffed. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.size += chunk.length
    const { maxSize } = this.#rules
    if (maxSize > 0 && this.size > maxSize) {
      this.fail(tooBig())
    }
    this.#checkLines(chunk)
  }

  /** There is no more to come. */
  end(): void {
    if (this.#afterCR) this.#mend(crlf.subarray(0, 0), 1)
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
      const chunk = this.#queue.shift()
      if (chunk) {
        this.#waiting -= chunk.length
        if (this.#waiting < highWater) this.#drained()
        return { done: false, value: chunk }
      }
      if (this.#ended || this.#discarding) return { done: true, value: undefined }
      await new Promise<void>((resolve) => {
        this.#reader = resolve
      })
    }
  }

  #keep(chunk: Uint8Array): void {
    if (chunk.length === 0 || this.#discarding) return
    this.#queue.push(chunk)
    this.#waiting += chunk.length
    this.#wake()
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

  /** Passes a chunk on, cut where a bare CR or LF is made a CRLF by the octet it lacks. */
  #checkLines(chunk: Uint8Array): void {
    if (this.#discarding) return
    const { maxLine } = this.#rules
    let kept = 0
    let line = this.#line
    let afterCR = this.#afterCR
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (afterCR) {
        afterCR = false
        if (byte === LF) {
          line = 0
          continue
        }
        this.#mend(chunk.subarray(kept, i), 1)
        kept = i
        line = 0
      }
      if (byte === CR) {
        afterCR = true
      } else if (byte === LF) {
        this.#mend(chunk.subarray(kept, i), 0)
        kept = i
        line = 0
      } else if (++line > maxLine) {
        this.lineTooLong = true
        this.fail(SmtpError.permanent(554, '5.0.0', 'Too long line'))
        return
      }
    }
    this.#line = line
    this.#afterCR = afterCR
    this.#keep(kept === 0 ? chunk : chunk.subarray(kept))
  }

  /** Something stands before a place where CR (0) or LF (1) is missing. */
  #mend(before: Uint8Array, missing: 0 | 1): void {
    if (this.#rules.bareNewlines === 'refuse') {
      this.fail(SmtpError.permanent(554, '5.6.0', 'Message contains a bare CR or LF'))
      return
    }
    this.#keep(before)
    this.#keep(crlf.subarray(missing, missing + 1))
  }
}
