import type { EndpointAddress } from '../config/endpoint.ts'
import { socketPath } from '../config/endpoint.ts'
import type { Logger } from '../log.ts'
import type { ServeOptions, Session } from '../module.ts'
import { boundPlace, isFree } from './addresses.ts'
import type { Lease } from './instance.ts'
import { defaultGrace, Port, PortLease } from './lease.ts'
import { Sessions } from './sessions.ts'

/**
 * Bound sockets outlive any one configuration: graphs hold leases on them and take turns serving. The address of a socket
 * is what is bound, so that `tcp:` and `tls:` may follow each other on it.
 */
export class Listeners {
  readonly #log: Logger
  readonly #ports = new Map<string, Promise<Port>>()
  readonly #leases = new Set<PortLease>()
  readonly #ending = new AbortController()

  constructor(log: Logger) {
    this.#log = log
  }

  /** The addresses of one configuration. Each may stand in it once. */
  claim(runtimeDirectory: string): Claim {
    return new Claim(runtimeDirectory, (key, address, path, session, options) =>
      this.#lease(key, address, path, session, options),
    )
  }

  /** The process ends: sessions of former configurations, which were to work on for a while, are asked to stop too. */
  end(): void {
    this.#ending.abort()
  }

  /** The longest time that an endpoint gives its sessions to end; milliseconds. */
  get longestGrace(): number {
    return Math.max(defaultGrace, ...Array.from(this.#leases, ({ grace }) => grace))
  }

  /** How many sessions there are for each address, those of former configurations and those carried over included. */
  count(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {}
    for (const { address, sessions } of this.#leases) {
      counts[address.text] = (counts[address.text] ?? 0) + sessions.size
    }
    return counts
  }

  async #lease(
    key: string,
    address: EndpointAddress,
    path: string,
    session: Session,
    options: ServeOptions,
  ): Promise<PortLease> {
    const port = await this.#port(key, address, path)
    const sessions = new Sessions(this.#log.with({ listen: address.text }), this.#ending.signal)
    const lease = new PortLease({ address, port, session, options, sessions }, () => this.#leases.delete(lease))
    this.#leases.add(lease)
    return lease
  }

  async #port(key: string, address: EndpointAddress, path: string): Promise<Port> {
    for (let known = this.#ports.get(key); known; known = this.#ports.get(key)) {
      const port = await known
      if (port.take()) return port
    }
    const binding = Port.open(address, path, this.#log, () => this.#ports.delete(key))
    this.#ports.set(key, binding)
    try {
      const port = await binding
      port.take()
      return port
    } catch (error) {
      this.#ports.delete(key)
      throw await this.#explain(error, address)
    }
  }

  /** A conflict of this server with itself would be hard to find with the tools of the system. */
  async #explain(error: unknown, { text, scheme, port }: EndpointAddress): Promise<unknown> {
    if (scheme === 'unix' || port === 0) return error
    for (const binding of this.#ports.values()) {
      const other = await binding.catch(() => undefined)
      if (other?.number !== port) continue
      const reason = `this server listens on ${other.text} now, and to change that to an address that overlaps takes a restart`
      return new Error(`cannot listen on ${text}: ${reason}`, { cause: error })
    }
    return error
  }
}

type MakeLease = (
  key: string,
  address: EndpointAddress,
  path: string,
  session: Session,
  options: ServeOptions,
) => Promise<PortLease>

/** What one configuration listens on. */
export class Claim {
  readonly #runtimeDirectory: string
  readonly #make: MakeLease
  readonly #claimed = new Map<string, EndpointAddress>()

  constructor(runtimeDirectory: string, make: MakeLease) {
    this.#runtimeDirectory = runtimeDirectory
    this.#make = make
  }

  /** Binds the address unless it is bound already. Throws an Error that names the address and what is wrong. */
  async lease(address: EndpointAddress, session: Session, options: ServeOptions): Promise<Lease> {
    const path = address.scheme === 'unix' ? socketPath(address, this.#runtimeDirectory) : ''
    return await this.#make(this.#key(address), address, path, session, options)
  }

  #key(address: EndpointAddress): string {
    const place = boundPlace(address, this.#runtimeDirectory)
    const free = isFree(address)
    // Free ports are all different; the first of one configuration follows on the first of the one before.
    for (let nth = 1; ; nth++) {
      const key = free ? `${place}#${nth}` : place
      const before = this.#claimed.get(key)
      if (before && !free) {
        const also = before.text === address.text ? '' : ` (as ${before.text})`
        throw new Error(`${address.text} is listened on twice in this configuration${also}`)
      }
      if (before) continue
      this.#claimed.set(key, address)
      return key
    }
  }
}
