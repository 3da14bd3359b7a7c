import type { Socket } from 'node:net'
import type { EndpointAddress } from '../config/endpoint.ts'
import type { Logger } from '../log.ts'
import type { ServeOptions, Session } from '../module.ts'
import type { Lease } from './instance.ts'
import { type BoundPort, bind } from './port.ts'
import type { Sessions } from './sessions.ts'

/** How many connections may wait for somebody to serve them; those that come then are closed. */
const mostWaiting = 1_024

/** How long sessions go on when their endpoint says nothing of it, as long as `shutdown_timeout` is by default; milliseconds. */
export const defaultGrace = 3 * 60_000

/** A bound address with whoever serves it now. */
export class Port {
  /** As the first who wanted it wrote it. */
  readonly text: string
  readonly #gone: () => void
  readonly #waiting = new Set<Socket>()
  #bound: BoundPort | undefined
  #serving: PortLease | undefined
  #holders = 0
  #closed = false

  private constructor(text: string, gone: () => void) {
    this.text = text
    this.#gone = gone
  }

  /** `gone` is called when the last holder has given it back. */
  static async open(address: EndpointAddress, path: string, log: Logger, gone: () => void): Promise<Port> {
    const port = new Port(address.text, gone)
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
    this.#gone()
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

/** The right of one configuration to serve a bound address. */
export class PortLease implements Lease {
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
