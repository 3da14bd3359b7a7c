import { resolve } from 'node:path'
import type { Environment } from '../../grammar/environment.ts'
import type { Node, Position, Problem, Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import type { Directives, Later, Scope } from '../config/directive.ts'
import { blaming, Problems } from '../config/directive.ts'
import { Endpoint } from '../mail/endpoint.ts'
import type { Context, ModuleDefinition } from '../module.ts'
import type { Role } from '../role.ts'
import { repeatedAddresses } from './addresses.ts'
import { type Block, Blocks } from './blocks.ts'
import { makeContext } from './context.ts'
import { checkRole, findDefinition, readConfig } from './definitions.ts'
import type { Host, Lease } from './instance.ts'
import { essence, fingerprint, Instance } from './instance.ts'
import type { Modules } from './registry.ts'

export interface BuildOptions {
  readonly registry: Modules
  readonly host: Host
  /** The directives of the top level, which are no modules. */
  readonly globals: Directives
  /** Variables that directives may take their values from; none by default. */
  readonly env?: Environment
  /** The graph in force: what has not changed is kept from it. */
  readonly previous?: Graph
  /** Build these named blocks and what they refer to, and nothing else; unused blocks are no error then. */
  readonly only?: readonly string[]
}

/** What is being built around an instance: the blocks that refer to it, outermost first. */
type Path = readonly Block[]

/** What the configuration of an instance was read from, besides its own block. */
interface Used {
  readonly dependencies: Instance[]
  readonly inherited: Node[]
  /** It refers to something that is resolved last, and whose changes its fingerprint cannot show. */
  later: boolean
}

/** The instances that one configuration describes, in the order in which they depend on each other. */
export class Graph implements AsyncDisposable {
  /** What is odd about the configuration, but no error. */
  readonly warnings: Problem[] = []
  readonly #options: Omit<BuildOptions, 'previous'>
  /** Only while this one is built: otherwise each graph would keep all that ever were before it. */
  #previous: Graph | undefined
  readonly #blocks: Blocks
  readonly #made = new Map<object, Promise<Instance>>()
  readonly #instances: Instance[] = []
  readonly #byApi = new Map<unknown, Instance>()
  readonly #pending: (() => Promise<void>)[] = []
  readonly #served: { readonly endpoint: string; readonly lease: Lease }[] = []
  #disposed = false

  private constructor({ previous, ...options }: BuildOptions) {
    this.#options = options
    this.#previous = previous
    this.#blocks = new Blocks(options.registry, options.globals)
  }

  /**
   * Resolves every block and reference. Opens nothing, so checking a configuration is building its graph.
   * Throws ConfigError with every problem that could be found.
   */
  static async build(nodes: readonly Node[], options: BuildOptions): Promise<Graph> {
    const graph = new Graph(options)
    const problems = new Problems()
    try {
      await graph.#blocks.register(nodes, problems)
      await graph.#makeAll(problems)
      problems.raise()
      return graph
    } catch (error) {
      await graph[Symbol.asyncDispose]()
      throw error
    } finally {
      graph.#previous = undefined
    }
  }

  /** The leases on the addresses it serves, in the order of the configuration. */
  get leases(): readonly Lease[] {
    return this.#served.map(({ lease }) => lease)
  }

  /** The ports of all endpoints that are that module, in the order of the configuration. */
  ports(endpoint: string): readonly number[] {
    return this.#served.filter((each) => each.endpoint === endpoint).map(({ lease }) => lease.port)
  }

  /** What an instance made of the block of that name is to others; undefined when there is none of that name and role. */
  async find<T>(name: string, role: Role<T>): Promise<T | undefined> {
    const block = this.#blocks.named(name)
    const instance = block && (await this.#made.get(block.node))
    return instance?.provides(role) ? (instance.api as T) : undefined
  }

  /** True when that object is an instance of this graph. */
  has(api: unknown): boolean {
    return this.#byApi.has(api)
  }

  /** Lets every instance look for what would make it fail to start. Throws ConfigError. */
  async inspect(): Promise<void> {
    const problems = new Problems()
    for (const { api, at, started } of this.#instances) {
      if (!started) await problems.gather(() => attempt(at, () => api.inspect?.()))
    }
    problems.raise()
  }

  /** What starting would change of what is there, by the names of the blocks. Throws ConfigError. */
  async preview(): Promise<(readonly [name: string, lines: readonly string[]])[]> {
    const problems = new Problems()
    const found: [string, readonly string[]][] = []
    for (const { api, at, name } of this.#instances) {
      await problems.gather(() => attempt(at, async () => void found.push([name, (await api.preview?.()) ?? []])))
    }
    problems.raise()
    return found
  }

  /** Opens pools, binds new addresses. When it fails, dispose of the graph. Throws ConfigError for what an instance throws. */
  async start(): Promise<void> {
    for (const instance of this.#instances) await attempt(instance.at, () => instance.start())
  }

  /** Serves all addresses from now on. Synchronous, so that no connection meets half a switch. */
  serve(): void {
    for (const { lease } of this.#served) lease.serve()
  }

  /** Takes over those sessions of the graph before that go on as if nothing had happened. */
  adopt(previous: Graph): void {
    for (const { endpoint, lease } of previous.#served) {
      const same = this.#served.filter((each) => each.endpoint === endpoint)
      const successor =
        same.find((each) => each.lease.address.text === lease.address.text) ?? same[0] ?? this.#served[0]
      successor?.lease.adopt(lease, (instance) => this.has(instance))
    }
  }

  /** Ends the sessions, then the work of the instances behind them: dependents first, so that nothing feeds what is closing. */
  async drain(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.leases.map((lease) => lease.drain(deadline)))
    for (const instance of this.#instances.toReversed()) {
      if (instance.started && !instance.shared) await instance.api.drain?.(deadline)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return
    this.#disposed = true
    await using stack = new AsyncDisposableStack()
    for (const instance of this.#instances) stack.defer(() => instance.release())
    for (const lease of this.leases) stack.use(lease)
  }

  async #makeAll(problems: Problems): Promise<void> {
    const { only, globals, host } = this.#options
    if (only) {
      for (const name of only) {
        const block = this.#blocks.named(name)
        if (block) await problems.gather(() => this.#make(block, []))
      }
    } else {
      const [first] = this.#blocks.all
      const top: Word = { text: 'the configuration', quoted: false, at: first?.node.name.at ?? nowhere }
      const children = [...this.#blocks.globals.values()]
      const used: Used = { dependencies: [], inherited: [], later: false }
      await problems.gather(() => readBlock(globals, { name: top, args: [], children }, this.#scope([], used)))
      for (const block of this.#blocks.all) if (block.endpoint) await problems.gather(() => this.#make(block, []))
    }
    for (let later = this.#pending.shift(); later; later = this.#pending.shift()) await problems.gather(later)
    if (only) return
    for (const problem of repeatedAddresses(this.#blocks.all, host.directories.runtime)) problems.add(problem)
    await this.#reportUnused(problems)
  }

  /** Blocks that nothing refers to are built all the same, for the errors inside. */
  async #reportUnused(problems: Problems): Promise<void> {
    for (const { block, problem } of this.#blocks.unused(({ node }) => this.#made.has(node))) {
      problems.add(problem)
      if (!this.#made.has(block.node)) await problems.gather(() => this.#make(block, []))
    }
    if (!this.#blocks.all.some(({ endpoint }) => endpoint)) {
      problems.add(new ConfigError(undefined, noEndpoint))
    }
  }

  /** The instance of a block at the top level, made when first asked for. */
  #make(block: Block, path: Path): Promise<Instance> {
    const again = path.indexOf(block)
    if (again >= 0) {
      const cycle = [...path.slice(again), block].map(({ name }) => name).join(' → ')
      throw new ConfigError(block.node.name.at, `these blocks refer to each other: ${cycle}`)
    }
    return this.#once(block.node, () =>
      this.#create(block.definition, block.node, block.name, block.endpoint ? block.node.args : [], [...path, block]),
    )
  }

  #once(key: object, make: () => Promise<Instance>): Promise<Instance> {
    const made = this.#made.get(key) ?? make()
    this.#made.set(key, made)
    return made
  }

  async #create(
    definition: ModuleDefinition,
    node: Node,
    name: string,
    words: readonly Word[],
    path: Path,
  ): Promise<Instance> {
    const { host } = this.#options
    const used: Used = { dependencies: [], inherited: [], later: false }
    const { dependencies, inherited } = used
    const scope = this.#scope(path, used)
    const config = await readConfig(definition, node, words, scope)
    const print = fingerprint([
      definition.name,
      name,
      words.map(({ text }) => text),
      essence(node),
      inherited.map(essence),
      dependencies.map((each) => each.fingerprint),
      host.directories,
    ])
    const keepable = definition.kept !== false && !used.later
    const kept = keepable && dependencies.every((each) => each.shared) && this.#previous?.keep(print, this)
    if (kept) return this.#add(kept)
    const at = node.name.at
    const context: Context = makeContext(host, {
      name,
      module: definition.name,
      at,
      log: host.logger(definition.name, debugging(config)),
      addLease: (lease) => this.#served.push({ endpoint: definition.name, lease }),
    })
    const api = blaming(at, () => definition.create(config as never, context)) as Instance['api']
    return this.#add(new Instance({ definition, name, at, api, fingerprint: print, dependencies }))
  }

  #add(instance: Instance): Instance {
    this.#instances.push(instance)
    this.#byApi.set(instance.api, instance)
    return instance
  }

  /** A started instance of that fingerprint, held once more, for the graph that comes after this one; each only once. */
  keep(print: string, next: Graph): Instance | undefined {
    const fits = (each: Instance) => each.fingerprint === print && each.started && !next.has(each.api)
    return this.#instances.find((each) => fits(each) && !each.provides(Endpoint))?.hold()
  }

  #scope(path: Path, used: Used): Scope {
    const find = async <T>(role: Role<T>, node: Node, module?: string): Promise<T> => {
      const instance = await this.#use(role, node, path, module)
      used.dependencies.push(instance)
      return instance.api as T
    }
    return {
      global: (name) => {
        const node = this.#blocks.globals.get(name)
        if (node) used.inherited.push(node)
        return node
      },
      environment: (name) => this.#options.env?.[name] || undefined,
      instance: find,
      later: <T>(role: Role<T>, node: Node): Later<T> => {
        used.later = true
        let found: Instance | undefined
        this.#pending.push(async () => {
          found = await this.#use(role, node, [])
        })
        return {
          get instance(): T {
            if (!found) throw new Error(`${node.name.text} was followed before the graph was whole`)
            return found.api as T
          },
        }
      },
      provides: (api, role) => this.#byApi.get(api)?.provides(role) ?? false,
      warn: (at, reason) => this.warnings.push({ at, reason }),
      path: (written) => resolve(this.#options.host.directories.state, written),
    }
  }

  /** What a directive that takes a module has been given: `&name`, or a module in place. */
  async #use(role: Role<unknown>, node: Node, path: Path, module?: string): Promise<Instance> {
    const [first, ...rest] = node.args
    if (first?.text.startsWith('&')) {
      const instance = await this.#refer(first, rest, node, path)
      checkRole(instance.definition, role, first)
      return instance
    }
    if (!first && module === undefined) throw new ConfigError(node.name.at, `${node.name.text} needs &NAME or a module`)
    const word = first ?? node.name
    const name = first?.text ?? module ?? ''
    const candidates = role.namespace === '' || name.includes('.') ? [name] : [`${role.namespace}.${name}`, name]
    const definition = await findDefinition(this.#options.registry, candidates, word, { role })
    checkRole(definition, role, word)
    const inline: Node = { name: { ...word, text: name }, args: [], ...(node.children && { children: node.children }) }
    return this.#once(word, () => this.#create(definition, inline, definition.name, rest, path))
  }

  async #refer(word: Word, [extra]: readonly Word[], node: Node, path: Path): Promise<Instance> {
    if (extra) throw new ConfigError(extra.at, `${word.text} stands alone: ${extra.text} is too much`)
    if (node.children)
      throw new ConfigError(node.name.at, `${word.text} has its own block elsewhere and takes none here`)
    return await this.#make(this.#blocks.referred(word), path)
  }
}

const noEndpoint = 'the configuration has no endpoint (smtp, submission, lmtp, imap …), so it would serve nobody'

const nowhere: Position = { file: 'configuration', line: 1, column: 1 }

const debugging = (config: object): boolean | undefined => {
  const { debug } = config as { debug?: unknown }
  return typeof debug === 'boolean' ? debug : undefined
}

/** Runs a step of an instance's life; what goes wrong is blamed on its block. */
const attempt = async (at: Position, step: () => Promise<void> | undefined): Promise<void> => {
  try {
    await step()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(at, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
