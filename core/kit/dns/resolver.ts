/** A mail exchanger; `host` is without its final dot, and empty for a null MX (RFC 7505). */
export interface Mx {
  readonly host: string
  readonly preference: number
}

/** An answer, and whether a resolver that may be trusted vouched for it (AD bit, RFC 4035 §3.2.3). */
export interface Answer<T> {
  readonly records: readonly T[]
  readonly authentic: boolean
  /** Set when there is no such name, rather than a name without such records (NXDOMAIN). */
  readonly nonexistent?: boolean
}

/** What a certificate has to match (RFC 6698 §2.1). */
export interface Tlsa {
  readonly usage: number
  readonly selector: number
  readonly matchingType: number
  readonly data: Uint8Array
}

/**
 * DNS. Names may have U-labels and a final dot; one that no DNS could hold does not exist. A name that does not exist has no
 * records; a server that fails or does not answer throws DnsError.
 */
export interface Resolver {
  a(name: string, signal?: AbortSignal): Promise<Answer<string>>
  aaaa(name: string, signal?: AbortSignal): Promise<Answer<string>>
  /** Each record's strings joined. */
  txt(name: string, signal?: AbortSignal): Promise<Answer<string>>
  /** Ordered by preference, best first. */
  mx(name: string, signal?: AbortSignal): Promise<Answer<Mx>>
  /** Names for an IP address, without the final dot. */
  reverse(ip: string, signal?: AbortSignal): Promise<Answer<string>>
  tlsa(name: string, signal?: AbortSignal): Promise<Answer<Tlsa>>
  /** The name that an alias leads to in the end; none for a name that is no alias. */
  canonical(name: string, signal?: AbortSignal): Promise<Answer<string>>
  /** Names of the servers of a zone; none for a name within a zone. */
  ns(name: string, signal?: AbortSignal): Promise<Answer<string>>
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
