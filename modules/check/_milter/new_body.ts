import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import type { Body } from '../../../core/index.ts'
import { type SpoolOptions, spoolBody } from '../../../core/kit/message/index.ts'
import { MilterError } from '../../../core/kit/milter/index.ts'

/** A body that comes from a filter in pieces. It is in memory or in a file until it is disposed of. */
export class NewBody implements AsyncDisposable {
  readonly #limit: number
  readonly #stream = new PassThrough()
  readonly #spooled: Promise<Body & AsyncDisposable>
  #size = 0

  constructor(options: SpoolOptions, limit: number) {
    this.#limit = limit
    this.#spooled = spoolBody(this.#stream, options)
    this.#spooled.catch(() => {}) // told by `add` or `end`
  }

  /** Throws MilterError when it becomes larger than it may, and what the disk throws. */
  async add(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length
    if (this.#size > this.#limit) throw new MilterError(`the filter wants a body of more than ${this.#limit} bytes`)
    if (this.#stream.destroyed) await this.#spooled
    if (!this.#stream.write(bytes)) await Promise.race([once(this.#stream, 'drain'), this.#spooled])
  }

  async end(): Promise<Body> {
    this.#stream.end()
    return await this.#spooled
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#stream.writableEnded) this.#stream.destroy()
    const body = await this.#spooled.catch(() => undefined)
    await body?.[Symbol.asyncDispose]()
  }
}
