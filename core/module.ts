import type { Socket } from 'node:net'
import type { Position } from '../grammar/node.ts'
import type { Directive, Directives, Values } from './config/directive.ts'
import type { EndpointAddress } from './config/endpoint.ts'
import type { Counters } from './kit/counters.ts'
import type { Resolver } from './kit/dns/resolver.ts'
import type { Logger } from './log.ts'
import type { Role } from './role.ts'

/** What the runtime gives an instance: all it may know of the process around it. */
export interface Context {
  /** The name after the module in the configuration, or else the module's own. */
  readonly name: string
  /** Where the block stands, for errors that concern it as a whole. */
  readonly at: Position
  /** Named after the module. Debug lines follow the instance's own `debug` directive where it has one. */
  readonly log: Logger
  readonly dns: Resolver
  /** Absolute. */
  readonly directories: Directories
  /** Slows down failing logins, for the whole process. */
  readonly logins: Logins
  /** Numbers that the process keeps of its work. */
  readonly counters: Counters
  /** Where other servers take mail: 25, but in tests. */
  readonly smtpPort: number
  /** A path from the configuration: relative ones are taken from the state directory. */
  path(written: string): string
  /** Runs `session` for each client, once the configuration this instance belongs to is the one in force. Called from `start`. */
  serve(listen: readonly EndpointAddress[], session: Session, options?: ServeOptions): Promise<void>
  /**
   * Something that outlives a reload, such as a pool: opened by the first who asks for that key, closed when the last
   * holder's `held` is disposed of.
   */
  shared<T extends AsyncDisposable>(held: AsyncDisposableStack, key: string, open: () => Promise<T>): Promise<T>
}

export interface Directories {
  readonly state: string
  readonly runtime: string
  readonly libexec: string
}

/** Guards against guessing of passwords across all protocols. */
export interface Logins {
  /**
   * Runs one check of credentials. After failures of that address or that account it waits first, longer each time, and
   * it waits before telling of a failure; a success clears the account. Throws what `check` throws.
   */
  attempt(ip: string | null, username: string, check: () => Promise<boolean>, signal?: AbortSignal): Promise<boolean>
}

/** Serves one client until it is done. `stop` aborts when the session has to end: finish what is in hand, say goodbye. */
export type Session = (socket: Socket, address: EndpointAddress, stop: AbortSignal) => Promise<void>

export interface ServeOptions {
  /** How long sessions may go on once they have been told to stop; milliseconds. */
  readonly grace?: number
  /**
   * What a session goes on using for as long as it lives. When a reload keeps all of these instances, its sessions are
   * carried over to the new configuration instead of being asked to stop.
   */
  readonly carriedBy?: readonly unknown[]
}

export interface Lifecycle {
  /** Looks for what would make `start` fail: files, keys, programs. May read; writes nothing and connects to nothing. Throws what is wrong. */
  inspect?(): Promise<void>
  /**
   * Says what `start` would change of what it finds, such as the tables of a database, a line for each change. May connect
   * for that; changes nothing. Throws what would make `start` fail.
   */
  preview?(): Promise<readonly string[]>
  /** Opens what the instance needs. What is put on `held` is closed in reverse order, even if this fails half-way. */
  start?(held: AsyncDisposableStack): Promise<void>
  /** Takes on nothing new; resolves when the work in hand is done, or gives it up at the deadline. */
  drain?(deadline: AbortSignal): Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: a list of roles holds interfaces of every type
export type Roles = readonly Role<any>[]

type Provided<R extends Roles> = R extends readonly [Role<infer T>, ...infer Rest extends Roles]
  ? T & Provided<Rest>
  : unknown

/** The values of a module's directives; `inline` has those of the words after its name, `lines` those of a group. */
export type Config<D extends Directives, I, L = undefined> = Values<D> & { readonly inline: I } & ([L] extends [
    undefined,
  ]
    ? unknown
    : { readonly lines: L })

export interface ModuleDefinition<
  R extends Roles = Roles,
  D extends Directives = Directives,
  I = unknown,
  L = unknown,
> {
  /** `namespace.name`, or a bare name. */
  readonly name: string
  /** Further names it answers to. */
  readonly aliases?: readonly string[]
  readonly doc: string
  readonly provides: R
  readonly config: D
  /**
   * Reads the words after the module's name where it is used in place; of an endpoint, its addresses. Without it such
   * words are an error.
   */
  readonly inline?: Directive<I>
  /** When words are given in place, the block belongs to what they name, and not to this module. */
  readonly inlineTakesBlock?: boolean
  /**
   * Reads all lines of the block that are no directives of `config`: of a group, whose block has a module on each line, and
   * where lines begin with words that an administrator chose.
   */
  readonly lines?: Directive<L>
  /**
   * An instance whose block, and all it refers to, is the same after a reload goes on as it is, instead of being built
   * and started anew. False for a module that a reload has to make look again, at files for instance.
   */
  readonly kept?: boolean
  /** Builds the instance and touches nothing outside it; that is for `start`. May throw ConfigError. */
  create(config: Config<D, I, L>, context: Context): Provided<R> & Lifecycle
}

/** Ties a module's directives, its roles and its factory together, so that each is checked against the others. */
export const defineModule = <const R extends Roles, D extends Directives, I = undefined, L = undefined>(
  definition: ModuleDefinition<R, D, I, L>,
): ModuleDefinition<R, D, I, L> => definition
