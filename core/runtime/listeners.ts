import type { Socket } from 'node:net'
import type { EndpointAddress } from '../config/endpoint.ts'
import { formatEndpoint, socketPath } from '../config/endpoint.ts'
import type { Logger } from '../log.ts'
import type { ServeOptions, Session } from '../module.ts'
import type { Lease } from './instance.ts'
import { type BoundPort, bind, isWildcard } from './port.ts'
import { Sessions } from './sessions.ts'

/** How many connections may wait for somebody to serve them; those that come then are closed. */
const mostWaiting = 1_024

/** How long sessions go on when their endpoint says nothing of it, as long as `shutdown_timeout` is by default; milliseconds. */
export const defaultGrace = 3 * 60_000

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
    // Counted before anything is awaited, so that a holder that leaves meanwhile does not close what is about to be used.
    for (;;) {
      const known = this.#ports.get(key)
      if (known === undefined) break
      const port = await known
      if (port.take()) return port
      if (this.#ports.get(key) === known) this.#ports.delete(key)
    }
    const binding = Port.open(address, path, this.#log)
    this.#ports.set(key, binding)
    try {
      const port = await binding
      port.take()
      return port
    } catch (error) {
      this.#ports.delete(key)
      throw error
    }
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
    return await this.#make(this.#key(address, path), address, path, session, options)
  }

  #key(address: EndpointAddress, path: string): string {
    const wildcard = isWildcard(address.host)
    const bound = {
      ...address,
      scheme: address.scheme === 'unix' ? 'unix' : 'tcp',
      path,
      host: wildcard ? '' : address.host,
    }
    const place = formatEndpoint(bound as EndpointAddress)
    const free = address.scheme !== 'unix' && address.port === 0
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

/** A bound address with whoever serves it now. */
class Port {
  #bound: BoundPort | undefined
  #holders = 0
  #closed = false
  #serving: PortLease | undefined
  readonly #waiting = new Set<Socket>()

  static async open(address: EndpointAddress, path: string, log: Logger): Promise<Port> {
    const port = new Port()
    port.#bound = await bind(address, path, {
      connection: (socket) => port.#connected(socket),
      failure: (error) => log.error('cannot accept a connection', error, { listen: address.text }),
    })
    return port
  }

  get number(): number {
    return this.#bound?.port ?? 0
  }

  /** False when it has been closed. */
  take(): boolean {
    if (!this.#closed) this.#holders++
    return !this.#closed
  }

  release(lease: PortLease): void {
    if (this.#serving === lease) this.#serving = undefined
    if (--this.#holders > 0) return
    this.#closed = true
    this.#bound?.close()
    for (const socket of this.#waiting) socket.destroy()
  }

  serve(lease: PortLease): void {
    this.#serving = lease
    for (const socket of this.#waiting) lease.accept(socket)
    this.#waiting.clear()
  }

  /**
   * A socket that nobody serves yet stays as it is: what its client sends gathers in its buffer up to the mark where
   * the system is no longer read, and stands there for whoever takes over.
   */
  #connected(socket: Socket): void {
    socket.on('error', () => {}) // whoever reads or writes learns of it; a stranger's reset must not end the process
    if (this.#serving) this.#serving.accept(socket)
    else if (this.#waiting.size >= mostWaiting) socket.destroy()
    else {
      this.#waiting.add(socket)
      socket.once('close', () => this.#waiting.delete(socket))
    }
  }
}

interface LeaseParts {
  readonly address: EndpointAddress
  readonly port: Port
  readonly session: Session
  readonly options: ServeOptions
  readonly sessions: Sessions
}

class PortLease implements Lease {
  readonly address: EndpointAddress
  readonly sessions: Sessions
  readonly #port: Port
  readonly #session: Session
  readonly #options: ServeOptions
  readonly #gone: () => void
  #released = false

  constructor({ address, port, session, options, sessions }: LeaseParts, gone: () => void) {
    this.address = address
    this.sessions = sessions
    this.#port = port
    this.#session = session
    this.#options = options
    this.#gone = gone
  }

  get port(): number {
    return this.#port.number
  }

  get grace(): number {
    return this.#options.grace ?? defaultGrace
  }

  serve(): void {
    this.#port.serve(this)
  }

  accept(socket: Socket): void {
    const { carriedBy = [] } = this.#options
    this.sessions.run(socket, (stop) => this.#session(socket, this.address, stop), { grace: this.grace, carriedBy })
  }

  adopt(from: Lease, keeps: (instance: unknown) => boolean): void {
    if (from instanceof PortLease) this.sessions.adopt(from.sessions, keeps)
  }

  async drain(deadline: AbortSignal): Promise<void> {
    this.#release()
    await this.sessions.drain(deadline)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release()
    this.sessions.cut()
    this.#gone()
  }

  #release(): void {
    if (this.#released) return
    this.#released = true
    this.#port.release(this)
  }
}
