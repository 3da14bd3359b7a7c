import type { SaslChannel, SaslMechanism, SaslServer } from '../../sasl/index.ts'
import type { TlsState } from '../envelope.ts'
import type { SmtpError } from '../error.ts'
import type { Content } from './content.ts'
import type { Path } from './path.ts'

/** What MAIL said besides the path (RFC 1870, RFC 6152, RFC 6531, RFC 8689, RFC 4954 §5). */
export interface MailParameters {
  readonly smtputf8: boolean
  readonly requireTls: boolean
  /** As announced, in bytes; undefined when it was not. */
  readonly size: number | undefined
}

/**
 * What answers for the mail in one conversation. An SmtpError it throws is the reply to the command; anything else is a
 * crash, which ends the connection with `421 4.0.0`. Its methods are called one after the other, never two at a time, and
 * `close` last of all.
 */
export interface Receiver {
  /** EHLO, HELO or LHLO: any transaction is over; who has logged in stays so. `tls` is null without TLS. */
  greet(name: string, tls: TlsState | null): void | Promise<void>
  /** TLS has begun: all that was said before is forgotten (RFC 3207 §4.2). */
  secured(): void
  /** AUTH: begins an exchange by a mechanism that the connection can be used with; `channel` is null without TLS. */
  authenticate(mechanism: SaslMechanism, channel: SaslChannel | null): SaslServer
  /** An exchange has ended well. */
  authenticated(username: string): void
  /** MAIL; null is `<>`. A transaction that was open is over. */
  mail(path: Path | null, parameters: MailParameters): void | Promise<void>
  recipient(path: Path): void | Promise<void>
  /**
   * The content, which may still be arriving. Resolves once it is safe, with an entry for each accepted recipient in the
   * order of RCPT: undefined, or why that one failed. Over SMTP any failure is one of all, and has to be thrown.
   */
  data(content: Content): Promise<readonly (SmtpError | undefined)[]>
  /** RSET: the transaction is given up. */
  reset(): void | Promise<void>
  /** The connection is gone. */
  close(): void | Promise<void>
}
