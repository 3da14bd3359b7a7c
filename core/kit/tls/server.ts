import { X509Certificate } from 'node:crypto'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { certificateContext, contextOptions } from './context.ts'
import type { TlsParameters } from './parameters.ts'
import type { KeyPair } from './pem.ts'

/** The certificates of a server, and whether a client that names another host is turned away. */
export interface CertificateSource {
  /** Changes identity when its content changes. */
  readonly certificates: readonly KeyPair[]
  readonly exact?: boolean
  /** Told once of each set that cannot be used when there was another before, which is served on. */
  rejected?(error: Error): void
}

/** What a TLSSocket of a server takes, besides `isServer`. */
export interface ServerContext {
  readonly secureContext: SecureContext
  readonly SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) => void
  /** Clients are asked for a certificate; one that has none, or one that nobody vouches for, is served all the same. */
  readonly requestCert: boolean
  readonly rejectUnauthorized: false
}

interface Choice {
  readonly context: SecureContext
  readonly leaf: X509Certificate
}

/**
 * Chooses the certificate for each handshake: the first whose names match the one the client asks for (RFC 6066 §3), else the
 * first. Contexts are made once for each set of certificates, and anew when the source has another.
 */
export class ServerCertificates {
  readonly #source: CertificateSource
  readonly #options: SecureContextOptions
  readonly asksClients: boolean
  #choices: readonly Choice[] = []
  #madeFrom: CertificateSource['certificates'] | undefined
  #none: SecureContext | undefined

  /** With `authorities`, PEM, clients are asked for a certificate of one of them. */
  constructor(source: CertificateSource, parameters: TlsParameters, authorities: readonly string[] = []) {
    this.#source = source
    this.asksClients = authorities.length > 0
    this.#options = {
      ...contextOptions(parameters, 'TLSv1'),
      honorCipherOrder: true,
      ...(this.asksClients && { ca: [...authorities] }),
    }
  }

  /** For one handshake. Without any certificate, the handshake will fail. Throws for a certificate that cannot be used. */
  options(): ServerContext {
    const choices = this.#current()
    return {
      secureContext: choices[0]?.context ?? this.#empty(),
      SNICallback: (name, done) => {
        const choice = choices.find(({ leaf }) => leaf.checkHost(name, { subject: 'default' }) !== undefined)
        if (choice) done(null, choice.context)
        else if (this.#source.exact) done(new Error('no certificate for the name that the client asks for'))
        else done(null, choices[0]?.context)
      },
      requestCert: this.asksClients,
      rejectUnauthorized: false,
    }
  }

  #current(): readonly Choice[] {
    const { certificates } = this.#source
    if (certificates === this.#madeFrom) return this.#choices
    try {
      this.#choices = certificates.map((pair) => this.#choice(pair))
    } catch (error) {
      if (this.#choices.length === 0) throw error
      this.#source.rejected?.(error as Error)
    }
    this.#madeFrom = certificates
    return this.#choices
  }

  #choice(pair: KeyPair): Choice {
    return { context: certificateContext(pair, this.#options), leaf: new X509Certificate(pair.cert) }
  }

  #empty(): SecureContext {
    this.#none ??= createSecureContext(this.#options)
    return this.#none
  }
}
