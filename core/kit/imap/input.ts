import type { Readable } from 'node:stream'
import { ImapBye } from './error.ts'

/** A line of a client, a character for each byte (Latin-1), without its end. */
export interface Line {
  readonly text: string
  /** It was longer than allowed; `text` has its beginning. */
  readonly cut: boolean
}

/** Waiting was broken off by `interrupt`. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}

/** The client said nothing for too long. */
export class Silence extends Error {
  override readonly name = 'Silence'
}

/** How much of an over-long line is thrown away before the client is given up, as a multiple of the longest line. */
const patience = 16

/**
 * What a client sends, pulled line by line and literal by literal: nothing is read ahead of need but what the stream
 * itself buffers, so that a client who is not being served is held back.
 */
export class Input {
  #stream: Readable
  #head: Buffer = Buffer.alloc(0)
  #ended = false
  #failed: Error | undefined
  #wake: (() => void) | undefined
  #interrupted = false
  readonly #beforeWaiting: () => Promise<void>
  /** How long to wait for the client each time, in milliseconds. */
  timeout = 60_000

  /** `beforeWaiting` runs whenever there is nothing to read: time to send what has gathered. */
  constructor(stream: Readable, beforeWaiting: () => Promise<void>) {
    this.#stream = stream
    this.#beforeWaiting = beforeWaiting
    this.#attach()
  }

  readonly #onReadable = (): void => this.#wake?.()
  readonly #onEnd = (): void => {
    this.#ended = true
    this.#wake?.()
  }
  readonly #onError = (error: Error): void => {
    this.#failed = error
    this.#onEnd()
  }

  #attach(): void {
    const stream = this.#stream
    this.#ended = stream.readableEnded || stream.destroyed
    stream.on('readable', this.#onReadable).on('end', this.#onEnd).on('close', this.#onEnd).on('error', this.#onError)
  }

  /** Goes on with another stream, as after STARTTLS. Returns what had been received of the old one and not been used. */
  replace(stream: Readable | undefined): Buffer {
    const old = this.#stream
    const rest = [this.#head]
    for (let chunk: Buffer | null = old.read(); chunk; chunk = old.read()) rest.push(chunk)
    old.off('readable', this.#onReadable).off('end', this.#onEnd).off('close', this.#onEnd)
    this.#head = Buffer.alloc(0)
    if (stream) {
      this.#stream = stream
      this.#attach()
    }
    return Buffer.concat(rest)
  }

  /** Why the stream broke, if it did. */
  get error(): Error | undefined {
    return this.#failed
  }

  /** True once nothing more will come, as far as can be told without waiting. */
  get ended(): boolean {
    return this.#ended
  }

  /** Ends a wait that allows it, now or when it begins, with Interrupted. */
  interrupt(): void {
    this.#interrupted = true
    this.#wake?.()
  }

  /**
   * The next line; undefined at the end. A line beyond `limit` bytes is read to its end and thrown away but for its
   * beginning. Throws Silence, Interrupted (only if `interruptible`, and only before the line has begun), and ImapBye when
   * the line does not end.
   */
  async line(limit: number, interruptible = false): Promise<Line | undefined> {
    const parts: Buffer[] = []
    let size = 0
    for (;;) {
      if (this.#head.length === 0 && !(await this.#fill(interruptible && size === 0))) return undefined
      const at = this.#head.indexOf(0x0a)
      const piece = at < 0 ? this.#head : this.#head.subarray(0, at + 1)
      this.#head = this.#head.subarray(piece.length)
      if (size <= limit) parts.push(piece)
      size += piece.length
      if (at >= 0) break
      if (size > limit * patience) throw new ImapBye('Line too long')
    }
    const all = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts)
    const cut = size > limit + 2
    const end = cut ? limit : all.length - (all.at(-2) === 0x0d ? 2 : 1)
    return { text: all.toString('latin1', 0, Math.max(0, end)), cut }
  }

  /** Exactly `size` bytes, in the chunks in which they come. Ends early when the connection does. Throws Silence. */
  async *bytes(size: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = size; left > 0; ) {
      if (this.#head.length === 0 && !(await this.#fill(false))) throw new ImapBye('Connection ended within a literal')
      const chunk = this.#head.subarray(0, left)
      this.#head = this.#head.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }

  /** Reads `size` bytes and forgets them. */
  async drop(size: number): Promise<void> {
    for await (const _ of this.bytes(size));
  }

  async #fill(interruptible: boolean): Promise<boolean> {
    for (;;) {
      if (interruptible && this.#interrupted) throw new Interrupted('interrupted')
      const chunk: Buffer | null = this.#stream.read()
      if (chunk) {
        this.#head = chunk
        return true
      }
      if (this.#ended) return false
      await this.#beforeWaiting()
      if (this.#stream.readableLength === 0 && !this.#ended && !(interruptible && this.#interrupted))
        await this.#event()
    }
  }

  #event(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = undefined
        reject(new Silence('no input'))
      }, this.timeout)
      this.#wake = () => {
        this.#wake = undefined
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
