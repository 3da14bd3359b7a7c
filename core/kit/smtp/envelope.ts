import type { Address } from '../address/address.ts'

/** What SMTP says of a message outside its content (RFC 5321 §2.3.1). Plain data, so that the queue can keep it as JSON. */
export interface Envelope {
  /** Eight hexadecimal digits, in every log line of the message's life. */
  readonly id: string
  /** Null is `<>`, the null reverse-path of a bounce, which is never bounced again (RFC 5321 §4.5.5). */
  readonly reversePath: Address | null
  /** The reverse-path as the client wrote it, before any rewriting; for the trace field. */
  readonly originalReversePath: string
  /** MAIL carried SMTPUTF8 (RFC 6531), which governs the whole transaction. */
  readonly smtputf8: boolean
  /** MAIL carried REQUIRETLS (RFC 8689). */
  readonly requireTls: boolean
  /** As announced by SIZE of MAIL (RFC 1870), in bytes; nothing was when it is missing. */
  readonly size?: number
  readonly origin: Origin
}

/** Who handed a message in. Plain data. */
export interface Origin {
  /** `null` where no SMTP session brought it in, as for a bounce. */
  readonly protocol: 'ESMTP' | 'ESMTPS' | 'LMTP' | 'LMTPS' | null
  /** The name given in EHLO, HELO or LHLO. */
  readonly helo: string
  /** Address and port of the client, after PROXY; null for a Unix socket. */
  readonly peer: { readonly ip: string; readonly port: number } | null
  /** The first reverse name without its dot; empty when there is none, null when it could not be told. */
  readonly rdns: string | null
  /** The login name exactly as sent, once authenticated. */
  readonly user: string | null
  /** How the connection is encrypted; null when it is not. */
  readonly tls: TlsState | null
}

/** TLS on a connection. Plain data. */
export interface TlsState {
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly version: string
  /** Its IANA name, such as `TLS_AES_128_GCM_SHA256`. */
  readonly cipher: string
  /** Distinguished names of the client's certificate; null when it sent none that could be verified. */
  readonly certificate: { readonly subject: string; readonly issuer: string } | null
}

/** Under which an origin has the password of its user: no key of JSON, of a copy, or of anything that looks at objects. */
const secret = Symbol('password')

/**
 * The same origin, with the password that its user has logged in with, for targets that log in elsewhere as that user. It
 * stays with this very object: neither copies nor JSON have it, so that it reaches no queue and no log.
 */
export const withPassword = (origin: Origin, password: string): Origin =>
  Object.defineProperty({ ...origin }, secret, { value: password })

/** The password that the user of an origin has logged in with; undefined when it is not known, or not known any more. */
export const passwordOf = (origin: Origin): string | undefined => (origin as { readonly [secret]?: string })[secret]
