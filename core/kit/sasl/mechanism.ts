/** The server's side of one exchange (RFC 4422). Whoever carries it does the base64, the `*` and the limit on lines. */
export interface SaslServer {
  /**
   * Takes the client's response and says what is next. The first is the initial response, or `null` when the client sent
   * none; an empty one is not none. Throws SaslError, after which the exchange is over.
   */
  step(response: Uint8Array | null): SaslStep
}

/** A challenge to send, or what the client has told in the end. */
export type SaslStep = { readonly challenge: Uint8Array } | SaslCredentials

/** To be verified by the caller; `username` is the name as sent, which is the identity too. */
export interface SaslCredentials {
  readonly username: string
  readonly password: string
}

/** An exchange is a generator: what it yields are challenges, what it is given back responses. */
export type Exchange = Generator<Uint8Array, SaslCredentials, Uint8Array>
