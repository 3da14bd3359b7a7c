import type { Socket } from 'node:net'
import type { EndpointAddress, Logger, Peer, ProxyProtocol, ServerTls } from '../../core/index.ts'
import { peerOf, serverHandshake } from '../../core/index.ts'

/** How long a client may take for TLS, and a proxy for its header in front of it; milliseconds. */
const patience = 60_000

/** What a connection passes before it is talked to. */
export interface Door {
  readonly tls: ServerTls | null | undefined
  readonly proxy: ProxyProtocol | undefined
  readonly log: Logger
}

/** A connection, and whose it is. The order on the wire: TLS of the proxy, PROXY header, TLS of the client, banner. */
export class Arrival {
  /** To be talked on. */
  socket: Socket
  /** After PROXY. */
  client: Peer | null
  readonly #door: Door
  #announced = false

  constructor(socket: Socket, door: Door) {
    this.socket = socket
    this.client = peerOf(socket)
    this.#door = door
  }

  /** Does what comes before the banner. Throws when a handshake fails, or the PROXY header is broken. */
  async secure({ scheme }: EndpointAddress, stop: AbortSignal): Promise<void> {
    const { tls, proxy } = this.#door
    if (proxy?.tls) this.socket = await serverHandshake(this.socket, proxy.tls, patience)
    if (scheme !== 'tls' || !tls) return
    // Proxies send their header in front of whatever they pass on, so it comes before the client's handshake. maddy 0.9
    // looks for it inside TLS: there it is taken as well, by `announce`.
    if (proxy) await this.announce(AbortSignal.any([stop, AbortSignal.timeout(patience)]))
    this.socket = await serverHandshake(this.socket, tls, patience)
  }

  /** Whether a PROXY header may still come. */
  get awaited(): boolean {
    return this.#door.proxy !== undefined && !this.#announced
  }

  /** Takes the PROXY header, if the connection goes on with one. */
  async announce(signal?: AbortSignal): Promise<void> {
    const header = await this.#door.proxy?.header(this.socket, this.#door.log, signal)
    if (!header) return
    this.#announced = true
    this.client = header.client
  }
}
