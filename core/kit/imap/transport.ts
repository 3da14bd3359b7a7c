import type { Socket } from 'node:net'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { Input } from './input.ts'
import { Output } from './output.ts'

/** Both directions of a connection, and the layers that are put on it while it lasts. */
export class Transport {
  #stream: Socket
  readonly input: Input
  readonly output: Output
  #compressed = false

  /** `trace` is shown what is written. */
  constructor(stream: Socket, trace?: (text: string) => void) {
    this.#stream = stream
    this.output = new Output(stream, trace)
    this.input = new Input(stream, () => this.output.flush())
    stream.on('error', () => {}) // told to whoever reads or writes next; never an uncaught exception
  }

  get compressed(): boolean {
    return this.#compressed
  }

  /** Puts a layer such as TLS on the connection. What the client had sent before is dropped: it was not protected. */
  async secure(layer: (plain: Socket) => Promise<Socket>): Promise<void> {
    await this.output.flush()
    this.input.replace(undefined)
    const stream = await layer(this.#stream)
    stream.on('error', () => {})
    this.input.replace(stream)
    this.output.replace(stream)
    this.#stream = stream
  }

  /** Compresses both directions from here on (RFC 4978). */
  async compress(): Promise<void> {
    await this.output.flush()
    const plain = this.#stream
    const inflate = createInflateRaw()
    // A window of 8 KiB keeps an idle connection small, and loses little on text.
    const deflate = createDeflateRaw({ windowBits: 13, memLevel: 5 })
    const end = (): void => void plain.destroy()
    const rest = this.input.replace(inflate)
    if (rest.length > 0) inflate.write(rest)
    plain.pipe(inflate).on('error', end)
    deflate.on('error', end).pipe(plain)
    plain.on('close', () => {
      inflate.destroy()
      deflate.destroy()
    })
    this.output.replace(deflate, () => new Promise((done) => deflate.flush(constants.Z_SYNC_FLUSH, done)))
    this.#compressed = true
    this.#closeLast = () =>
      new Promise((done) => {
        if (plain.destroyed) return done()
        deflate.once('end', done) // all of it has been passed on; `finish` comes before that
        plain.once('close', () => done())
        deflate.end()
      })
  }

  #closeLast: () => Promise<void> = async () => {}

  /** Sends what has gathered and ends the connection. */
  async end(): Promise<void> {
    await this.output.flush()
    await this.#closeLast()
    this.#stream.end()
  }

  /**
   * As `end`, while the client may still be sending: for a moment that is read and forgotten, since a connection closed over
   * unread octets is reset, and the client may never see what it was told. `moment` is in milliseconds.
   */
  async endOver(moment: number): Promise<void> {
    await this.end()
    this.input.replace(undefined)
    const stream = this.#stream
    if (stream.destroyed || stream.readableEnded) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, moment)
    stream.unpipe()
    stream.once('end', resolve).once('close', resolve).resume()
    await promise
    clearTimeout(timer)
  }

  destroy(): void {
    this.#stream.destroy()
  }
}
