import type { SecureContext } from 'node:tls'
import type { SaslMechanism } from '../../sasl/index.ts'

/** What a server is like to all its clients. */
export interface ServerOptions {
  /** In the banner. */
  readonly hostname: string
  readonly protocol: 'smtp' | 'lmtp'
  /** Asked anew for each handshake; without it STARTTLS is not offered. */
  readonly tls?: (() => HandshakeOptions) | undefined
  /** Offered in this order to the connections that can be used with them; none switches AUTH off. */
  readonly mechanisms?: readonly SaslMechanism[]
  /** AUTH without TLS. */
  readonly insecureAuth?: boolean
  /** No MAIL without AUTH. */
  readonly authRequired?: boolean
  /** In bytes; 0 for any. */
  readonly maxMessageSize: number
  /** Accepted recipients of a transaction; 0 for any. */
  readonly maxRecipients: number
  /** Octets in a line with its CRLF, of commands and of DATA. */
  readonly maxLineLength: number
  /** How long a client may take for the next line, and for the whole of DATA; milliseconds, 0 for ever. */
  readonly readTimeout: number
  /** How long a client may leave its replies unread; milliseconds, 0 for ever. */
  readonly writeTimeout: number
  /** What becomes of a CR or LF on its own in content. */
  readonly bareNewlines: 'refuse' | 'normalize'
}

export interface HandshakeOptions {
  readonly secureContext: SecureContext
  readonly SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) => void
  /** Whether clients are asked for a certificate; they need not have one. */
  readonly requestCert?: boolean
}

/** What is particular to one conversation. */
export interface ConversationOptions {
  /** The socket is a TLS socket whose handshake is done. */
  readonly secure?: boolean
  /** Aborts when the conversation has to end: after the transaction in hand, `421 4.3.2`. */
  readonly stop?: AbortSignal
  /** Is told the dialogue, `C: ` or `S: ` and a line, with credentials masked. */
  readonly dialogue?: ((line: string) => void) | undefined
  /** Is told what went wrong with the connection. */
  readonly failed?: (error: unknown) => void
  /** Is told what a command threw that nobody foresaw, and that the client heard of as 421 only. */
  readonly crashed?: (error: unknown) => void
}
