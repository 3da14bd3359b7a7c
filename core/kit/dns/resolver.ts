/** A mail exchanger; `host` is without its final dot, and empty for a null MX (RFC 7505). */
export interface Mx {
  readonly host: string
  readonly preference: number
}

/** An answer, and whether a resolver that may be trusted vouched for it (AD bit, RFC 4035 §3.2.3). */
export interface Answer<T> {
  readonly records: readonly T[]
  readonly authentic: boolean
}

/** DNS. A name that does not exist has no records; a server that fails or does not answer throws DnsError. */
export interface Resolver {
  a(name: string, signal?: AbortSignal): Promise<Answer<string>>
  aaaa(name: string, signal?: AbortSignal): Promise<Answer<string>>
  /** Each record's strings joined. */
  txt(name: string, signal?: AbortSignal): Promise<Answer<string>>
  /** Ordered by preference, best first. */
  mx(name: string, signal?: AbortSignal): Promise<Answer<Mx>>
  /** Names for an IP address, without the final dot. */
  reverse(ip: string, signal?: AbortSignal): Promise<Answer<string>>
}

/** The DNS could not be asked: a time-out, SERVFAIL, REFUSED or a broken answer. Worth another try. */
export class DnsError extends Error {
  override readonly name = 'DnsError'
  /** `timeout`, or the response code in capital letters, or `malformed`. */
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
