import type { Socket } from 'node:net'
import type { Node, Word } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import { blaming, Directive, Problems, type Scope } from '../config/directive.ts'
import { custom } from '../config/values.ts'
import { Networks, plainIp, readProxyHeader } from '../kit/proxy/index.ts'
import type { Logger } from '../log.ts'
import { type ServerTls, serverTls } from './tls.ts'

/** Address and port of a client. */
export interface Peer {
  readonly ip: string
  readonly port: number
}

/** The other end of a connection; null for a Unix socket. */
export const peerOf = ({ remoteAddress, remotePort }: Socket): Peer | null =>
  remoteAddress === undefined ? null : { ip: plainIp(remoteAddress), port: remotePort ?? 0 }

/** How long a PROXY header may take once it has begun; milliseconds. */
const headerTimeout = 10_000

/** Believes proxies that say whose connection they pass on (HAProxy's PROXY protocol, versions 1 and 2). */
export class ProxyProtocol {
  /** TLS around everything the proxy sends, its header too. */
  readonly tls: ServerTls | null
  readonly #trusted: Networks

  /** Without any network everybody is trusted. */
  constructor(trusted: Networks, tls: ServerTls | null) {
    this.#trusted = trusted
    this.tls = tls
  }

  /**
   * Takes the header off a connection from which nothing has been read, if it begins with one; undefined when it does not.
   * `client` is whom it names, or else the connection's own end: of a header that names nobody, and of one from a
   * stranger, which is read all the same. Waits for a first octet until `signal` aborts. Throws ProxyError for a broken header.
   */
  async header(
    socket: Socket,
    log: Logger,
    signal?: AbortSignal,
  ): Promise<{ readonly client: Peer | null } | undefined> {
    const own = peerOf(socket)
    const header = await readProxyHeader(socket, { timeout: headerTimeout, ...(signal && { signal }) })
    if (!header) return undefined
    if (own && !this.#trusted.empty && !this.#trusted.has(own.ip)) {
      log.info('PROXY header from an untrusted peer ignored', { src_ip: formatPeer(own) })
      return { client: own }
    }
    return { client: header.source ? { ip: plainIp(header.source.ip), port: header.source.port } : own }
  }
}

/** `192.0.2.1:25`, `[2001:db8::1]:25`; empty for a Unix socket. */
export const formatPeer = (peer: Peer | null): string => {
  if (!peer) return ''
  return peer.ip.includes(':') ? `[${peer.ip}]:${peer.port}` : `${peer.ip}:${peer.port}`
}

const trustList = () =>
  custom({ args: 'strings', usage: 'IP|NETWORK…' }, (entries) => {
    for (const entry of entries) checkEntry(entry)
    return entries
  })

const checkEntry = (entry: Word) => blaming(entry.at, () => new Networks([entry.text]))

const blockDirectives = {
  trust: trustList().many().doc('Whose headers are believed; without any entry, everybody’s. Unix sockets always are.'),
  tls: serverTls().doc('TLS between the proxy and this server, around the header and all that follows. Not inherited.'),
}

/** `proxy_protocol IP|NETWORK… { trust IP|NETWORK… tls … }`. An address without a slash stands for itself alone. */
export const proxyProtocol = () =>
  new Directive<ProxyProtocol | undefined>(
    {
      args: 'custom: IP-OR-CIDR… + block:proxy_protocol',
      usage: '[IP|NETWORK…] { … }',
      children: blockDirectives,
    },
    readProxyProtocol,
  )

const readProxyProtocol = async (node: Node, scope: Scope): Promise<ProxyProtocol> => {
  const problems = new Problems()
  for (const entry of node.args) await problems.gather(() => checkEntry(entry))
  const block = await problems.gather(() => readBlock(blockDirectives, node, scope))
  problems.raise()
  const trusted = [...node.args, ...(block?.trust ?? []).flat()].map(({ text }) => text)
  return new ProxyProtocol(new Networks(trusted), block?.tls ?? null)
}
