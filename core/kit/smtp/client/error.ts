import { DnsError } from '../../dns/resolver.ts'
import { SmtpError } from '../error.ts'

/** What the errors of a connection add to a log line: `remote_server` and the like. */
export type ErrorFields = Readonly<Record<string, unknown>>

/**
 * A server that does not do as it should: no reply of its own, and no failure of the network either. A client hears of it as
 * 451, for it may be gone at the next try.
 */
export class SmtpClientError extends Error {
  override readonly name = 'SmtpClientError'
  /**
   * `closed`: it closed the connection. `protocol`: it said what nobody understands, or at the wrong time. `tls`: the
   * handshake failed. `unsupported`: it does not offer what the message needs.
   */
  readonly kind: 'closed' | 'protocol' | 'tls' | 'unsupported'
  readonly fields: ErrorFields

  constructor(kind: SmtpClientError['kind'], message: string, fields: ErrorFields = {}, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
    this.fields = fields
  }
}

/**
 * A failure of the network, or of a name to lead anywhere, as a reply: worth another try, since the name of a server is an
 * administrator's word, and one that is not known now has been forgotten by the DNS, or is that of a container to come.
 */
export const networkError = (cause: unknown, fields: ErrorFields = {}): SmtpError => {
  const { code, syscall } = cause as { readonly code?: unknown; readonly syscall?: unknown }
  if (code === 'ENOTFOUND' || syscall === 'getaddrinfo' || cause instanceof DnsError) {
    return SmtpError.temporary(450, '4.4.4', 'DNS error', { ...fields, cause })
  }
  return SmtpError.temporary(450, '4.4.2', 'Network I/O error', { ...fields, cause })
}

/**
 * The content was sent to its end, and what became of it was never told: it may be delivered, or not. The next try may lead
 * to a second copy, since losing the message would be worse (RFC 5321 §4.5.4.1, RFC 1047).
 */
export const uncertain = (error: unknown): SmtpError => SmtpError.from(error).noting({ outcome: 'unknown' })
