import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { TLSSocket as SecureSocket } from 'node:tls'
import type { Address } from '../../address/address.ts'
import { authenticate, type Credentials } from './auth.ts'
import { Capabilities } from './capabilities.ts'
import { Dialogue } from './dialogue.ts'
import type { ErrorFields } from './error.ts'
import type { Reply } from './reply.ts'
import { type MailParameters, Transaction } from './transaction.ts'
import { type ServerAddress, Wire } from './wire.ts'

export interface ClientOptions {
  readonly protocol?: 'smtp' | 'lmtp'
  /** The name given in EHLO, HELO or LHLO; ASCII. */
  readonly hostname: string
  /** TLS from the first octet on. */
  readonly tls?: ConnectionOptions | undefined
  readonly timeouts: Timeouts
  /** Ends every wait, and closes the connection with it. */
  readonly signal?: AbortSignal | undefined
  /** Added to every error, for the log. */
  readonly fields?: ErrorFields
  /** Is told the dialogue, `C: ` or `S: ` and a line; neither credentials nor content. */
  readonly trace?: ((line: string) => void) | undefined
}

/** Milliseconds. */
export interface Timeouts {
  /** For finding the addresses of a host, and trying all of them. */
  readonly connect: number
  /** For the greeting, a TLS handshake, each command, and each piece of a message. */
  readonly command: number
  /** For the reply that tells what became of a message. */
  readonly submission: number
}

/** How long a farewell may take; milliseconds. */
const farewell = 5_000

/**
 * A connection to a server of SMTP (RFC 5321) or LMTP (RFC 2033). Its methods throw SmtpError in the server's code and words
 * when it refuses something, and for failures of the network; SmtpClientError when it makes no sense; and what the signal
 * aborts with.
 */
export class SmtpClient implements AsyncDisposable {
  /** What the server has offered last. */
  capabilities = new Capabilities()
  readonly #dialogue: Dialogue
  readonly #options: ClientOptions

  private constructor(wire: Wire, options: ClientOptions) {
    const { fields = {}, timeouts, trace } = options
    this.#dialogue = new Dialogue(wire, { timeout: timeouts.command, fields, trace })
    this.#options = options
  }

  /** Connects, waits for the greeting and introduces itself. */
  static async open(to: ServerAddress, options: ClientOptions): Promise<SmtpClient> {
    const { fields, signal, timeouts, tls } = options
    const wire = await Wire.open(to, timeouts.connect, { fields, signal })
    try {
      if (tls) await wire.secure(tls, timeouts.command)
      const client = new SmtpClient(wire, options)
      client.#dialogue.check(await client.#dialogue.greeting(), 2)
      await client.#greet()
      return client
    } catch (error) {
      wire.destroy()
      throw error
    }
  }

  /** The connection can be used for another transaction. */
  get open(): boolean {
    return this.#dialogue.wire.open && !this.#dialogue.wire.unread
  }

  /** Once TLS has begun; whether the certificate was verified is up to the options that it began with. */
  get tls(): TLSSocket | undefined {
    const { socket } = this.#dialogue.wire
    return socket instanceof SecureSocket ? socket : undefined
  }

  /** `ADDRESS:PORT` of both ends, for the log; empty for Unix sockets. */
  get ends(): { readonly local: string; readonly remote: string } {
    const { localAddress, localPort, remoteAddress, remotePort } = this.#dialogue.wire.socket
    const text = (address: string | undefined, port: number | undefined) =>
      address === undefined ? '' : `${address.includes(':') ? `[${address}]` : address}:${port}`
    return { local: text(localAddress, localPort), remote: text(remoteAddress, remotePort) }
  }

  async #greet(): Promise<void> {
    const { hostname, protocol } = this.#options
    this.#dialogue.pipelining = false
    const reply = await this.#dialogue.command(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${hostname}`)
    this.capabilities = (await this.#isOld(reply)) ? new Capabilities() : new Capabilities(reply)
    this.#dialogue.pipelining = this.capabilities.has('PIPELINING')
  }

  /** Servers of before 1993 know no EHLO (RFC 5321 §3.2). */
  async #isOld(reply: Reply): Promise<boolean> {
    const { hostname, protocol } = this.#options
    if (protocol !== 'lmtp' && (reply.code === 500 || reply.code === 502)) {
      await this.#dialogue.demand(`HELO ${hostname}`)
      return true
    }
    this.#dialogue.check(reply, 2)
    return false
  }

  /**
   * STARTTLS (RFC 3207), and another introduction. Throws SmtpError when the server refuses the command, and
   * SmtpClientError of kind `tls` when the handshake fails.
   */
  async startTls(options: ConnectionOptions): Promise<void> {
    await this.#dialogue.demand('STARTTLS')
    await this.#dialogue.wire.secure(options, this.#options.timeouts.command)
    await this.#greet()
  }

  /** AUTH. Not asked before is whether the server offers it: it says so itself. */
  async authenticate(credentials: Credentials): Promise<void> {
    await authenticate(this.#dialogue, credentials)
  }

  /** Says MAIL; null is `<>`. One transaction at a time, each ended by its message or by `reset`. */
  begin(reversePath: Address | null, parameters: MailParameters = {}): Transaction {
    const { protocol = 'smtp', timeouts } = this.#options
    return new Transaction(reversePath, parameters, {
      dialogue: this.#dialogue,
      capabilities: this.capabilities,
      protocol,
      submissionTimeout: timeouts.submission,
    })
  }

  /** RSET: gives the transaction up, and finds out whether the connection is still good for another. */
  async reset(): Promise<void> {
    await this.#dialogue.demand('RSET')
  }

  /** Says goodbye as far as the server lets it, for five seconds at most, and closes. Throws nothing. */
  async quit(): Promise<void> {
    const { wire } = this.#dialogue
    if (!wire.open) return wire.destroy()
    const timer = setTimeout(() => wire.destroy(), Math.min(farewell, this.#options.timeouts.command))
    try {
      await this.#dialogue.demand('QUIT')
    } catch (error) {
      this.#options.trace?.(`QUIT: ${error instanceof Error ? error.message : String(error)}`)
    } finally {
      clearTimeout(timer)
    }
    await wire.close(farewell)
  }

  /** Closes without a word. */
  destroy(): void {
    this.#dialogue.wire.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit()
  }
}
