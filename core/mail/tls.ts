import type { Node, Position } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import type { Scope } from '../config/directive.ts'
import { blaming, Directive, Problems } from '../config/directive.ts'
import { use } from '../config/reference.ts'
import { words } from '../config/values.ts'
import { ServerCertificates, type ServerContext } from '../kit/tls/server.ts'
import { placeOf, readAuthorities } from './tls_authorities.ts'
import { TlsLoader } from './tls_loader.ts'
import { tlsParameters } from './tls_parameters.ts'

/** How a server speaks TLS. Certificates may change while it runs, so `options` is asked anew for every handshake. */
export interface ServerTls {
  /** For `new TLSSocket(socket, { isServer: true, ...tls.options() })`. */
  options(): ServerTlsOptions
  /** Whether clients are asked for a certificate. */
  readonly asksClients: boolean
}

export type ServerTlsOptions = ServerContext

/**
 * For the start of an endpoint: a certificate may be in order, and yet too weak for the protocols that were chosen, so that no
 * handshake would succeed. Throws ConfigError.
 */
export const checkTls = (tls: ServerTls | null | undefined, at: Position): void => {
  blaming(at, () => {
    try {
      tls?.options()
    } catch (cause) {
      throw new Error(`tls cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  })
}

const blockDirectives = {
  loader: use(TlsLoader).doc('Where the certificates come from, when the loader has a block of its own.'),
  client_ca: words('PATH…').doc(
    'PEM files with the authorities of client certificates, which clients are then asked for; sasl_external lets them log in. A client without one is served all the same.',
  ),
  ...tlsParameters,
  protocols: tlsParameters.protocols.default('tls1.0 tls1.3'),
}

/**
 * `tls off`, `tls LOADER ARG… { options }`, `tls &NAME { options }` or `tls { loader LOADER ARG… { … } options }`. The value
 * is null for `off`. A loader in the block wins over the one in front of it.
 */
export const serverTls = () =>
  new Directive<ServerTls | null | undefined>(
    {
      args: 'custom: off | LOADER ARG… + block:tls',
      usage: 'off | LOADER ARG… { … } | { loader LOADER … }',
      children: blockDirectives,
    },
    readServerTls,
  )

const readServerTls = async (node: Node, scope: Scope): Promise<ServerTls | null> => {
  const [first] = node.args
  if (first?.text === 'off' && !first.quoted) return null
  const problems = new Problems()
  // The braces after the words are those of `tls`: the loader that the words name has none.
  const inFront =
    first && (await problems.gather(() => scope.instance(TlsLoader, { name: node.name, args: node.args })))
  const block = await problems.gather(() => readBlock(blockDirectives, node, scope))
  problems.raise()
  const { loader = inFront, client_ca, ...parameters } = block ?? {}
  if (!loader) {
    throw new ConfigError(
      node.name.at,
      `${node.name.text} names no loader, so there would be no certificate: ${node.name.text} file CERT KEY, or a loader in its block`,
    )
  }
  const authorities = client_ca && (await readAuthorities(client_ca, placeOf(node, 'client_ca'), scope))
  return new ServerCertificates(loader, parameters, authorities)
}
