import type { SecureContext } from 'node:tls'

/** How a server speaks TLS. Certificates may change while it runs, so `options` is asked anew for every handshake. */
export interface ServerTls {
  /** For `new TLSSocket(socket, { isServer: true, ...tls.options() })`. */
  options(): ServerTlsOptions
}

export interface ServerTlsOptions {
  readonly secureContext: SecureContext
  readonly SNICallback: (name: string, done: (error: Error | null, context?: SecureContext) => void) => void
}
