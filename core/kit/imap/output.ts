import type { Writable } from 'node:stream'
import { ConnectionClosed } from './error.ts'

/** How much gathers before it is handed to the stream, in bytes. */
const batch = 65_536

/** What is written to a client: gathered to large writes, and held back while the client does not read. */
export class Output {
  #stream: Writable
  #text = ''
  #parts: Uint8Array[] = []
  #size = 0
  #sync: (() => Promise<void>) | undefined
  readonly #trace: ((text: string) => void) | undefined
  /** How long a client may take to read a batch, in milliseconds. */
  timeout = 600_000

  /** `trace` is shown all text, and the length of everything else. */
  constructor(stream: Writable, trace?: (text: string) => void) {
    this.#stream = stream
    this.#trace = trace
  }

  /** Goes on with another stream; `sync` makes it pass on what it holds (as a compressor does) after a flush. */
  replace(stream: Writable, sync?: () => Promise<void>): void {
    this.#stream = stream
    this.#sync = sync
  }

  /** Adds text, as UTF-8. */
  text(text: string): void {
    this.#text += text
    this.#size += text.length
  }

  /** Adds a line. */
  line(text: string): void {
    this.text(`${text}\r\n`)
  }

  /** Adds octets, which must not change afterwards. */
  bytes(bytes: Uint8Array): void {
    this.#seal()
    this.#parts.push(bytes)
    this.#size += bytes.length
    this.#trace?.(`[${bytes.length} bytes]`)
  }

  #seal(): void {
    if (this.#text === '') return
    this.#parts.push(Buffer.from(this.#text))
    this.#trace?.(this.#text)
    this.#text = ''
  }

  /** True when enough has gathered: time to `drain`. */
  get full(): boolean {
    return this.#size >= batch
  }

  /** Adds all chunks, sending them as they gather. */
  async stream(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) {
      this.bytes(chunk)
      if (this.full) await this.drain()
    }
  }

  /** Hands what has gathered to the stream and waits until it takes more. Throws when the connection is gone. */
  async drain(): Promise<void> {
    if (this.#size === 0) return
    this.#seal()
    const parts = this.#size > 2 * batch ? this.#parts : [Buffer.concat(this.#parts)] // what is large is not copied
    this.#parts = []
    this.#size = 0
    const stream = this.#stream
    if (stream.destroyed) throw new ConnectionClosed()
    let more = true
    stream.cork()
    for (const part of parts) more = stream.write(part)
    stream.uncork()
    if (!more) await this.#drained()
  }

  /** Sends everything now. */
  async flush(): Promise<void> {
    if (this.#size === 0) return
    await this.drain()
    await this.#sync?.()
  }

  #drained(): Promise<void> {
    const stream = this.#stream
    return new Promise((resolve, reject) => {
      const done = (cause?: Error): void => {
        clearTimeout(timer)
        stream.off('drain', onDrain).off('close', onClose).off('error', done)
        if (cause) reject(cause instanceof ConnectionClosed ? cause : new ConnectionClosed(cause.message, { cause }))
        else resolve()
      }
      const onDrain = (): void => done()
      const onClose = (): void => done(new ConnectionClosed())
      const timer = setTimeout(() => {
        stream.destroy()
        done(new ConnectionClosed('the client does not read'))
      }, this.timeout)
      stream.on('drain', onDrain).on('close', onClose).on('error', done)
    })
  }
}
