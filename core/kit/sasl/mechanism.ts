import type { X509Certificate } from 'node:crypto'
import type { ScramSecret } from './scram_secret.ts'

/** The server's side of one exchange (RFC 4422). Whoever carries it does the base64, the `*` and the limit on lines. */
export interface SaslServer {
  /**
   * Takes the client's response and says what is next. The first is the initial response, or `null` when the client sent
   * none; an empty one is not none. Throws SaslError, after which the exchange is over, and whatever the authority throws,
   * which means that it could not be told whether the client is who it says.
   */
  step(response: Uint8Array | null): Promise<SaslStep>
}

/** A challenge to send, or how it ended: with the name that has logged in, exactly as sent, or with null for nobody. */
export type SaslStep = { readonly challenge: Uint8Array } | { readonly username: string | null }

/** Knows who is who. Whatever cannot be told is thrown, so that an outage is never a wrong password. */
export interface SaslAuthority {
  /** Whether it is the password of that user. */
  password(username: string, password: string): Promise<boolean>
  /** What SCRAM needs to know of a user; made up for one who is not there, so that no stranger can tell. */
  scram(username: string): Promise<ScramSubject>
  /**
   * The user whom a certificate lets in, and as whom it asks to act unless `authzid` is empty; null when it is nobody's.
   * Throws SaslError for the authzid of somebody else.
   */
  certificate(certificate: X509Certificate, authzid: string): Promise<string | null>
}

/** Somebody who is about to prove by SCRAM that the password is known. */
export interface ScramSubject {
  readonly secret: ScramSecret
  /** Is told whether the proof was right, and says whether that lets the user in. */
  settle(proven: boolean): Promise<boolean>
}

/** What an exchange may use of the TLS connection that carries it. */
export interface SaslChannel {
  /**
   * The channel binding of that type (RFC 5056), which both ends of one connection have in common and nobody in between;
   * undefined when this connection has none of that type.
   */
  binding(type: string): Uint8Array | undefined
  /** What the client has shown and an authority has vouched for. */
  readonly certificate: X509Certificate | undefined
}

/** An exchange is a generator: what it yields are challenges, what it is given back responses; it returns who has logged in. */
export type Exchange = AsyncGenerator<Uint8Array, string | null, Uint8Array>

/** Begins an exchange with the initial response. */
export type Mechanism = (initial: Uint8Array | null, authority: SaslAuthority, channel: SaslChannel | null) => Exchange
