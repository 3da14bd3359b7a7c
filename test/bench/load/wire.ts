import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface WireOptions {
  /** TLS from the first byte; certificates are not checked. */
  readonly tls?: boolean
  /** How long any one wait may take; milliseconds. */
  readonly patience?: number
  /** The other side goes on sending after we have closed our half, and we after it has. */
  readonly allowHalfOpen?: boolean
}

/** The other side has closed the connection. */
export class WireClosed extends Error {
  override readonly name = 'WireClosed'
}

/** A client's socket, read as lines and counted bytes. Each wait has an end. */
export class Wire implements Disposable {
  readonly #patience: number
  #socket: Socket
  /** What has come and not been asked for, and where in its first piece that begins. */
  #pieces: Buffer[] = []
  #start = 0
  #length = 0
  #closed = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket, patience: number) {
    this.#socket = socket
    this.#patience = patience
    this.#attach()
  }

  static async open(
    port: number,
    { tls = false, patience = 30_000, allowHalfOpen = false }: WireOptions = {},
  ): Promise<Wire> {
    const place = { host: '127.0.0.1', port, allowHalfOpen }
    const socket = tls ? connectTls({ ...place, rejectUnauthorized: false }) : connect(place)
    await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(patience) })
    socket.setNoDelay(true)
    return new Wire(socket, patience)
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Negotiates TLS on the connection. */
  async secure(): Promise<void> {
    this.#socket.removeAllListeners()
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await once(secure, 'secureConnect', { signal: AbortSignal.timeout(this.#patience) })
    this.#socket = secure
    this.#attach()
  }

  /** Latin-1, so that any byte can be written. */
  send(data: string | Uint8Array): void {
    if (typeof data === 'string') this.#socket.write(data, 'latin1')
    else this.#socket.write(data)
  }

  /** Writes, and resolves when the system has taken it all. Rejects when it does not within the patience. */
  async flush(data: string | Uint8Array): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#socket.write(data, () => resolve())
    await this.#until(promise)
  }

  /** Reads no more, so that what the other side sends piles up there. */
  pause(): void {
    this.#socket.pause()
  }

  /** Closes our half. */
  finish(): void {
    this.#socket.end()
  }

  /** The next line without its CRLF, as Latin-1. Throws WireClosed at the end. */
  async line(): Promise<string> {
    for (;;) {
      const length = this.#lineLength()
      if (length !== undefined)
        return this.#take(length)
          .toString('latin1')
          .replace(/\r?\n$/, '')
      await this.#more()
    }
  }

  async bytes(count: number): Promise<Buffer> {
    while (this.#length < count) await this.#more()
    return this.#take(count)
  }

  /** Everything that comes until the other side closes. */
  async rest(): Promise<string> {
    while (!this.#closed) await this.#more().catch(unlessClosed)
    return this.#take(this.#length).toString('latin1')
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #attach(): void {
    const wake = () => {
      this.#wake?.()
      this.#wake = undefined
    }
    const socket = this.#socket
    socket.on('data', (piece) => {
      this.#pieces.push(piece)
      this.#length += piece.length
      wake()
    })
    const close = () => {
      this.#closed = true
      wake()
    }
    socket.on('error', close)
    socket.on('end', close)
    socket.on('close', close)
  }

  async #more(): Promise<void> {
    if (this.#closed) throw new WireClosed('the connection is closed')
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    await this.#until(promise)
  }

  async #until(promise: Promise<void>): Promise<void> {
    const { promise: late, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`nothing happened for ${this.#patience} ms`)), this.#patience)
    try {
      await Promise.race([promise, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** How long the first line is, its end included; undefined while it is not whole. */
  #lineLength(): number | undefined {
    let before = -this.#start
    for (const [index, piece] of this.#pieces.entries()) {
      const end = piece.indexOf(10, index === 0 ? this.#start : 0)
      if (end >= 0) return before + end + 1
      before += piece.length
    }
    return undefined
  }

  #take(count: number): Buffer {
    const first = this.#pieces[0]
    this.#length -= count
    if (first && first.length - this.#start > count) {
      const taken = first.subarray(this.#start, this.#start + count)
      this.#start += count
      return taken
    }
    const all = Buffer.concat(this.#pieces)
    const taken = all.subarray(this.#start, this.#start + count)
    const left = all.subarray(this.#start + count)
    this.#pieces = left.length > 0 ? [left] : []
    this.#start = 0
    return taken
  }
}

const unlessClosed = (error: unknown): void => {
  if (!(error instanceof WireClosed)) throw error
}
