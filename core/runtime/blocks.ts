import type { Node, Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import type { Directives, Problems } from '../config/directive.ts'
import { didYouMean } from '../config/nearest.ts'
import { Endpoint } from '../mail/endpoint.ts'
import type { ModuleDefinition } from '../module.ts'
import { findDefinition } from './definitions.ts'
import type { Modules } from './registry.ts'

/** A block at the top level. */
export interface Block {
  readonly node: Node
  readonly definition: ModuleDefinition
  readonly name: string
  /** Endpoints have no name to refer to, and take the words after their name as addresses. */
  readonly endpoint: boolean
}

/** The top level of a configuration: globals, and blocks by their names, which may be referred to before they are written. */
export class Blocks {
  readonly #registry: Modules
  readonly #directives: Directives
  readonly #globals = new Map<string, Node>()
  readonly #all: Block[] = []
  readonly #named = new Map<string, Block>()
  /** Names of blocks whose module could not be had, and why: told once, not again for each reference. */
  readonly #unusable = new Map<string, unknown>()

  /** `directives` are those of the top level, which are no modules. */
  constructor(registry: Modules, directives: Directives) {
    this.#registry = registry
    this.#directives = directives
  }

  get all(): readonly Block[] {
    return this.#all
  }

  get globals(): ReadonlyMap<string, Node> {
    return this.#globals
  }

  async register(nodes: readonly Node[], problems: Problems): Promise<void> {
    for (const node of nodes) {
      const known = Object.hasOwn(this.#directives, node.name.text)
      await problems.gather(() => (known ? this.#addGlobal(node) : this.#add(node)))
    }
  }

  named(name: string): Block | undefined {
    return this.#named.get(name)
  }

  /** The block that `&name` means. Throws ConfigError. */
  referred(word: Word): Block {
    const name = word.text.slice(1)
    const block = this.#named.get(name) ?? this.#onlyOneOf(name)
    if (block) return block
    if (this.#unusable.has(name)) throw this.#unusable.get(name)
    if (name === '') throw new ConfigError(word.at, 'a name is missing after &')
    const hint = didYouMean(name, this.#named.keys())
    throw new ConfigError(word.at, `no block is named ${name}${hint}`)
  }

  /** Blocks that nothing refers to are most likely a slip. `used` tells those that something does refer to. */
  unused(used: (block: Block) => boolean): { readonly block: Block; readonly problem: ConfigError }[] {
    // One whose name is taken has been reported for that.
    const unused = this.#all.filter((block) => !used(block) && !block.endpoint && this.#named.get(block.name) === block)
    return unused.map((block) => {
      const { at, text } = block.node.name
      const called = block.name === text ? text : `${text} ${block.name}`
      const problem = new ConfigError(at, `nothing refers to ${called}: use it as &${block.name}, or remove it`)
      return { block, problem }
    })
  }

  #addGlobal(node: Node): void {
    const name = node.name.text
    const first = this.#globals.get(name)
    if (first) throw new ConfigError(node.name.at, `${name} is given twice; first on line ${first.name.at.line}`)
    this.#globals.set(name, node)
  }

  async #add(node: Node): Promise<void> {
    const { name, args } = node
    const definition = await this.#definition(node)
    const endpoint = definition.provides.some((role) => role.name === Endpoint.name)
    const names = endpoint ? [] : args.length > 0 ? args : [name]
    const block: Block = { node, definition, name: names[0]?.text ?? name.text, endpoint }
    this.#all.push(block)
    for (const each of names) {
      const other = this.#named.get(each.text)
      if (other) {
        const { file, line } = other.node.name.at
        throw new ConfigError(each.at, `${each.text} is the name of another block already, at ${file}:${line}`)
      }
      this.#named.set(each.text, block)
    }
  }

  async #definition({ name, args }: Node): Promise<ModuleDefinition> {
    try {
      return await findDefinition(this.#registry, [name.text], name, { alsoKnown: Object.keys(this.#directives) })
    } catch (error) {
      for (const each of args) this.#unusable.set(each.text, error)
      throw error
    }
  }

  /** maddy refers to some tables by the name of their module, whatever their block is called. */
  #onlyOneOf(module: string): Block | undefined {
    const [block, other] = this.#all.filter(({ definition, endpoint }) => definition.name === module && !endpoint)
    return other ? undefined : block
  }
}
