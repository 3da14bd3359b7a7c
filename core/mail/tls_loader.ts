import { role } from '../role.ts'

/** A certificate chain and its key, both PEM, leaf first. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** Provides the certificates of a server. They may change while it runs: ask anew, or listen, before each handshake. */
export interface TlsLoader {
  /** In order of preference; the first serves clients that name no host. Changes identity when the content changes. */
  readonly certificates: readonly Certificate[]
  /** Whether clients that name a host without a certificate are turned away, instead of being served the first. */
  readonly exact?: boolean
  /** Told when certificates that came while the server ran are of no use to it, so that it goes on with those before. */
  rejected?(error: Error): void
}

export const TlsLoader = role<TlsLoader>('tls_loader', 'tls.loader')
