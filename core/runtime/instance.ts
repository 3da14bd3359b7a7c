import { createHash } from 'node:crypto'
import type { Node, Position } from '../../grammar/node.ts'
import type { EndpointAddress } from '../config/endpoint.ts'
import type { Counters } from '../kit/counters.ts'
import type { Resolver } from '../kit/dns/resolver.ts'
import type { Logger } from '../log.ts'
import type { Directories, Lifecycle, Logins, ModuleDefinition, ServeOptions, Session } from '../module.ts'
import type { Role } from '../role.ts'

/** What a graph needs of the process around it; all of it outlives the graph. */
export interface Host {
  readonly dns: Resolver
  readonly directories: Directories
  readonly logins: Logins
  readonly counters: Counters
  readonly smtpPort: number
  /** A logger of that name; `debug` is the instance's own setting, undefined when it has none. */
  logger(name: string, debug?: boolean): Logger
  /** Binds the address unless it is bound already. Connections wait unread until the lease serves them. */
  lease(address: EndpointAddress, session: Session, options: ServeOptions): Promise<Lease>
  /** See Context.shared. */
  shared<T extends AsyncDisposable>(held: AsyncDisposableStack, key: string, open: () => Promise<T>): Promise<T>
}

/** The right of one graph to serve one address. Disposal gives it back; the last to do so closes the socket. */
export interface Lease extends AsyncDisposable {
  readonly address: EndpointAddress
  /** The port in use, which tells what `:0` came to; 0 for a Unix socket. */
  readonly port: number
  /** Takes over from whoever serves the address now. Synchronous, so that a set of leases switches as one. */
  serve(): void
  /** Takes the running sessions of another lease into its care: those whose `carriedBy` instances `keeps` says are kept. */
  adopt(from: Lease, keeps: (instance: unknown) => boolean): void
  /** Accepts nothing more; asks its sessions to stop, waits for them, and cuts off what is left after their grace or at the deadline. */
  drain(deadline: AbortSignal): Promise<void>
}

/** One module at work. It may belong to several graphs: a reload keeps those whose configuration did not change. */
export class Instance {
  readonly definition: ModuleDefinition
  readonly name: string
  readonly at: Position
  readonly api: Lifecycle & object
  /** Equal when module, name, directives and all that is referred to are equal. */
  readonly fingerprint: string
  readonly dependencies: readonly Instance[]
  readonly #held = new AsyncDisposableStack()
  #holders = 1
  #started = false

  constructor(parts: Pick<Instance, 'definition' | 'name' | 'at' | 'api' | 'fingerprint' | 'dependencies'>) {
    this.definition = parts.definition
    this.name = parts.name
    this.at = parts.at
    this.api = parts.api
    this.fingerprint = parts.fingerprint
    this.dependencies = parts.dependencies
  }

  provides(role: Role<unknown>): boolean {
    return this.definition.provides.some(({ name }) => name === role.name)
  }

  /** True while more than one graph, or one beside the caller's, works with it. */
  get shared(): boolean {
    return this.#holders > 1
  }

  get started(): boolean {
    return this.#started
  }

  hold(): this {
    this.#holders++
    return this
  }

  /** Starts it, once for all graphs. What it opened is closed again when this fails. */
  async start(): Promise<void> {
    if (this.#started) return
    await this.api.start?.(this.#held)
    this.#started = true
  }

  /** Closes what it opened once the last graph lets go. */
  async release(): Promise<void> {
    if (--this.#holders === 0) await this.#held.disposeAsync()
  }
}

/** A digest of what an instance is made of. */
export const fingerprint = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64')

/** A node as it counts for a fingerprint: what is written, not where. */
export const essence = ({ name, args, children }: Node): unknown => [
  name.text,
  args.map(({ text }) => text),
  children?.map(essence) ?? null,
]
