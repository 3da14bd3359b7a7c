import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { SMTPServer } from 'smtp-server'
import { Connection } from './connection.ts'
import type { ConversationOptions, HandshakeOptions, ServerOptions } from './options.ts'
import type { Receiver } from './receiver.ts'

/**
 * The package smtp-server without its listener, for SMTP and LMTP (RFC 5321, RFC 2033): it is handed sockets, so that they
 * may outlive it. What it says, and how strict it is, is ours (`Connection`); it reads commands, keeps the order, puts on TLS.
 */
export class SmtpServer extends SMTPServer {
  readonly conversation: ServerOptions

  constructor(options: ServerOptions) {
    super({ logger: false, name: options.hostname, lmtp: options.protocol === 'lmtp' })
    this.conversation = options
    const { tls } = options
    if (!tls) return
    this.secureContext = new CurrentContext(tls)
    // The package copies these for each handshake.
    Object.assign(this.options, { rejectUnauthorized: false })
    Object.defineProperty(this.options, 'requestCert', { get: () => tls().requestCert ?? false })
  }

  /**
   * Talks to one client until the connection is closed and the receiver has been told so. `open` is called once the
   * banner is out and before anything is read, so that it may read what precedes the conversation; when it throws, the
   * connection is closed.
   */
  converse(socket: Socket, open: () => Receiver | Promise<Receiver>, options: ConversationOptions = {}): Promise<void> {
    const connection = new Connection(this, socket, options)
    this.connections.add(connection)
    return connection.converse(open)
  }

  /** Called by the package while it is constructed; the contexts come from `tls`, one for each handshake. */
  override updateSecureContext(): void {
    this.secureContext = new Map()
  }

  override _resolveSNI(name: string, done: (error: Error | null, context?: SecureContext) => void): void {
    const tls = this.conversation.tls
    if (tls) tls().SNICallback(name, done)
    else done(new Error('TLS is off'))
  }
}

/** The context for clients that name no host, as it is at the moment. */
class CurrentContext extends Map<string, SecureContext> {
  readonly #tls: () => HandshakeOptions

  constructor(tls: () => HandshakeOptions) {
    super()
    this.#tls = tls
  }

  override get(): SecureContext {
    return this.#tls().secureContext
  }
}
