import { connect as connectTcp, type LookupFunction, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { type ErrorFields, networkError, SmtpClientError } from './error.ts'
import { Replies, type Reply } from './reply.ts'

/** Where a server is to be reached. */
export type ServerAddress = TcpAddress | { readonly path: string }

export interface TcpAddress {
  readonly host: string
  readonly port: number
  readonly localAddress?: string
  readonly family?: 4 | 6
  /** Finds the addresses of `host`; the system does it otherwise. */
  readonly lookup?: LookupFunction
}

export interface WireOptions {
  /** Ends every wait. */
  readonly signal?: AbortSignal | undefined
  /** Added to every error. */
  readonly fields?: ErrorFields | undefined
}

/** Octets in a line of a reply, which RFC 5321 §4.5.3.1.5 wants no longer than 512. */
const maxLine = 2_000
/** So much of what nobody has asked for yet is taken from the system; bytes. */
const maxInput = 65_536
/** How long one of several addresses of a host has before the next is tried; milliseconds. */
const maxAttempt = 10_000
/** The longest a timer of Node can run; milliseconds. */
const longest = 2 ** 31 - 1

const LF = 10

/**
 * Replies and octets over a socket. Whatever fails closes it: nobody would know what the next reply belongs to. Throws
 * SmtpError for a failure of the network, a time-out too, SmtpClientError for one of the server, or what the signal aborts with.
 */
export class Wire {
  #socket: Socket
  readonly #signal: AbortSignal | undefined
  readonly #fields: ErrorFields
  readonly #waiting = new Set<() => void>()
  #input: Buffer = Buffer.alloc(0)
  /** So much of the input has no end of a line in it. */
  #scanned = 0
  #replies: Replies
  #failure: unknown

  private constructor(socket: Socket, { signal, fields = {} }: WireOptions) {
    this.#socket = socket
    this.#signal = signal
    this.#fields = fields
    this.#replies = new Replies(fields)
    this.#attach(socket)
  }

  /** Connects; `timeout` is for finding the addresses and trying all of them, milliseconds. */
  static async open(to: ServerAddress, timeout: number, options: WireOptions = {}): Promise<Wire> {
    options.signal?.throwIfAborted()
    const attempt = { autoSelectFamilyAttemptTimeout: Math.min(Math.max(timeout, 10), maxAttempt) }
    const socket = connectTcp('path' in to ? to : { ...to, ...attempt, noDelay: true })
    const wire = new Wire(socket, options)
    await wire.#until(timeout, 'the server cannot be reached', () => (socket.connecting ? undefined : true))
    return wire
  }

  /** Both sides may still talk. */
  get open(): boolean {
    return !this.#socket.destroyed && !this.#socket.readableEnded && this.#socket.writable
  }

  /** The socket; a TLSSocket once TLS has begun. */
  get socket(): Socket {
    return this.#socket
  }

  /** Puts TLS on. What came before is dropped: it may be anybody's (RFC 3207 §4.2). Throws SmtpClientError. */
  async secure(options: ConnectionOptions, timeout: number): Promise<TLSSocket> {
    const plain = this.#socket
    for (const event of events) plain.off(event, this.#look)
    this.#forget()
    while (plain.read() !== null);
    let secured = false
    try {
      const socket = connectTls({ ...options, socket: plain })
      this.#socket = socket
      socket.once('secureConnect', () => {
        secured = true
        this.#look()
      })
      this.#attach(socket)
      await this.#until(timeout, 'the TLS handshake took too long', () => (secured ? true : undefined))
      return socket
    } catch (cause) {
      plain.destroy()
      if (this.#signal?.aborted) throw cause
      this.#failure = new SmtpClientError('tls', 'the TLS handshake failed', this.#fields, { cause: causeOf(cause) })
      throw this.#failure
    }
  }

  /** The next reply. */
  reply(timeout: number): Promise<Reply> {
    return this.#until(timeout, 'the server does not answer', () => this.takeReply())
  }

  /** The next reply, if all of it is there. */
  takeReply(): Reply | undefined {
    for (let line = this.#takeLine(); line !== undefined; line = this.#takeLine()) {
      const reply = this.#replies.add(line)
      if (reply) return reply
    }
    return undefined
  }

  #takeLine(): string | undefined {
    const end = this.#input.indexOf(LF, this.#scanned)
    if (end < 0) this.#scanned = this.#input.length
    if ((end < 0 ? this.#input.length : end) > maxLine) {
      throw new SmtpClientError('protocol', 'the server said a line that is too long', this.#fields)
    }
    if (end < 0) return undefined
    const line = this.#input.toString('utf8', 0, end).replace(/\r$/, '')
    this.#input = this.#input.subarray(end + 1)
    this.#scanned = 0
    this.#pull()
    return line
  }

  /** Something has come that nobody waits for. */
  get unread(): boolean {
    return this.#input.length > 0
  }

  /** Sends octets without waiting for room. */
  send(bytes: string | Uint8Array): void {
    if (this.open) this.#socket.write(bytes)
  }

  /** Sends octets, and resolves when there is room for more. Meanwhile `look` is called when something has come, and may throw. */
  async write(bytes: Uint8Array, timeout: number, look: () => void = () => {}): Promise<void> {
    if (this.open) this.#socket.write(bytes)
    await this.#until(timeout, 'the server takes nothing', () => {
      look()
      return this.#socket.writableNeedDrain || !this.open ? undefined : true
    })
  }

  /** Closes once all has been sent, or when the time is over; milliseconds. */
  async close(timeout: number): Promise<void> {
    const socket = this.#socket
    if (socket.closed) return
    const { promise, resolve } = Promise.withResolvers<void>()
    socket.once('close', () => resolve())
    const timer = setTimeout(() => this.destroy(), timeout)
    socket.destroySoon()
    await promise
    clearTimeout(timer)
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  readonly #look = () => {
    this.#pull()
    for (const look of [...this.#waiting]) look()
  }

  #attach(socket: Socket): void {
    socket.on('error', (error) => {
      this.#failure ??= error
    })
    for (const event of events) socket.on(event, this.#look)
  }

  #pull(): void {
    while (this.#input.length < maxInput) {
      const chunk: Buffer | null = this.#socket.read()
      if (chunk === null) return
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk])
    }
  }

  #forget(): void {
    this.#input = Buffer.alloc(0)
    this.#scanned = 0
    this.#replies = new Replies(this.#fields)
  }

  /** Waits for `ready` to give something, while the connection lives. */
  async #until<T>(timeout: number, complaint: string, ready: () => T | undefined): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const look = () => {
      try {
        const found = ready()
        if (found !== undefined) resolve(found)
        else if (this.#over) reject(this.#lost())
      } catch (error) {
        reject(error)
      }
    }
    const aborted = () => reject(this.#signal?.reason)
    const late = () => reject(networkError(new Error(`${complaint}: ${timeout} ms are over`), this.#fields))
    const timer = setTimeout(late, Math.min(timeout, longest))
    this.#waiting.add(look)
    this.#signal?.addEventListener('abort', aborted, { once: true })
    if (this.#signal?.aborted) aborted()
    else look()
    try {
      return await promise
    } catch (error) {
      this.#failure ??= error
      this.destroy()
      throw error
    } finally {
      clearTimeout(timer)
      this.#signal?.removeEventListener('abort', aborted)
      this.#waiting.delete(look)
    }
  }

  get #over(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded
  }

  /** Why there is no connection any more. */
  #lost(): unknown {
    const failure = this.#failure
    if (failure === undefined) return new SmtpClientError('closed', 'the server closed the connection', this.#fields)
    const { name } = failure as { readonly name?: unknown }
    return name === 'SmtpError' || name === 'SmtpClientError' || this.#signal?.aborted
      ? failure
      : networkError(failure, this.#fields)
  }
}

const events = ['connect', 'readable', 'drain', 'end', 'close'] as const

/** What OpenSSL or the system said, rather than our words for it. */
const causeOf = (error: unknown): unknown => (error instanceof Error && error.cause !== undefined ? error.cause : error)
