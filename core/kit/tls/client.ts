import { isIP } from 'node:net'
import type { ConnectionOptions, SecureContext } from 'node:tls'
import { createSecureContext, getCACertificates } from 'node:tls'
import { toAscii } from '../address/domain.ts'
import { contextOptions } from './context.ts'
import type { TlsParameters } from './parameters.ts'
import type { KeyPair } from './pem.ts'

export interface ClientSettings extends TlsParameters {
  /** PEM certificates to trust instead of those of the system. */
  readonly ca?: readonly string[] | undefined
  /** A client certificate, and its key, PEM. */
  readonly pair?: KeyPair | undefined
}

/** How a client speaks TLS. Certificates are verified always; the context is made when first needed, and used again. */
export class ClientTls {
  readonly #settings: ClientSettings
  #context: SecureContext | undefined

  constructor(settings: ClientSettings = {}) {
    this.#settings = settings
  }

  /** For `tls.connect({ socket, ...options(host) })`; the certificate has to be that of `host`, a name or an IP address. */
  options(host: string): ConnectionOptions {
    this.#context ??= this.#make()
    // An address is no server name (RFC 6066 §3), but the certificate is compared with it all the same.
    const name = isIP(host) ? { host } : { host, servername: toAscii(host.replace(/\.$/, '')) }
    return { ...name, secureContext: this.#context }
  }

  #make(): SecureContext {
    const { ca, pair, ...parameters } = this.#settings
    return createSecureContext({
      ...contextOptions(parameters, 'TLSv1.2'),
      ...pair,
      ca: [...(ca ?? trusted())],
    })
  }
}

/** The authorities of the system with those of NODE_EXTRA_CA_CERTS; without any, those that Node brings. */
const trusted = (): string[] => {
  const system = getCACertificates('system')
  return system.length > 0 ? [...new Set([...system, ...getCACertificates('extra')])] : getCACertificates('default')
}
