import { dirname, isAbsolute, join } from 'node:path'
import type { Budget } from './budget.ts'
import { MacroExpander, type Macros } from './macro.ts'
import { isImport, snippetName } from './name.ts'
import type { Node, Position, Word } from './node.ts'
import type { Parsed } from './parse.ts'
import { type Report, show } from './report.ts'
import { type Sources, Unreadable } from './source.ts'

/** How deep imports, and the blocks they stand in, may be nested. */
export const maxImportDepth = 255

type Snippets = Map<string, readonly Node[]>

/** A file with everything in place, and what it hands to the one that imports it. */
interface Unit {
  readonly nodes: readonly Node[]
  readonly macros: Macros
  readonly snippets: Snippets
  /** Something in it could not be read, so that names may be missing for that reason alone. */
  readonly partial: boolean
}

/** The place an import stands in. */
interface Scope {
  /** The file whose directory relative paths start from: for a snippet, the one that uses it. */
  readonly file: string
  readonly snippets: Snippets
  /** Top-level imports of files, which are followed while the file is read so that their macros can be used. */
  readonly loaded: Map<Node, Unit>
  partial: boolean
}

/** Every import being followed: what it brings in, and the one it is found in. */
interface Trail {
  readonly target: unknown
  readonly name: string
  readonly depth: number
  readonly outer: Trail | undefined
}

/**
 * Puts macros, snippets and imported files in place. A file is gone through twice: from top to bottom, where macros have
 * the values known so far; then its imports, for which every snippet of the file is known wherever it stands. A file
 * imported at the top level is read on the first way, so that what follows can use its macros; it sees nothing itself
 * of who imports it.
 */
export class Expander {
  readonly #sources: Sources
  readonly #report: Report
  readonly #budget: Budget

  constructor(sources: Sources, report: Report, budget: Budget) {
    this.#sources = sources
    this.#report = report
    this.#budget = budget
  }

  /** The directives of a configuration whose root is `parsed`. @throws GivenUp when it grows or nests beyond its limits */
  async root(parsed: Parsed, file: string): Promise<readonly Node[]> {
    const trail = { target: this.#sources.path(file), name: file, depth: 0, outer: undefined }
    return (await this.#unit(parsed, file, undefined, trail)).nodes
  }

  async #unit(parsed: Parsed, file: string, via: Position | undefined, trail: Trail): Promise<Unit> {
    const macros: Macros = new Map()
    const scope: Scope = { file, snippets: new Map(), loaded: new Map(), partial: !parsed.balanced }
    if (scope.partial) return { nodes: [], macros, snippets: scope.snippets, partial: true }
    const expander = new MacroExpander(macros, via, this.#report, this.#budget)
    const names = new Set(parsed.nodes.map(({ name }) => snippetName(name.text)))
    const directives: Node[] = []
    for (const node of parsed.nodes) {
      const snippet = snippetName(node.name.text)
      if (node.name.text.startsWith('$(')) expander.declare(node)
      else if (snippet !== undefined) scope.snippets.set(snippet, expander.node(node).children ?? [])
      else {
        const directive = expander.node(node)
        directives.push(directive)
        if (!isImport(directive)) continue
        const unit = await this.#loadEarly(directive, names, scope, trail)
        for (const [name, values] of unit?.macros ?? []) macros.set(name, values)
        for (const name of unit?.snippets.keys() ?? []) names.add(name)
      }
    }
    const nodes = await this.#resolve(directives, scope, trail)
    return { nodes, macros, snippets: scope.snippets, partial: scope.partial }
  }

  /** The file that a top-level import names, unless it names one of the snippets that are known, or will be. */
  async #loadEarly(node: Node, snippets: ReadonlySet<string | undefined>, scope: Scope, trail: Trail) {
    const [target, ...more] = node.args
    if (!target || more.length > 0 || snippets.has(target.text)) return undefined
    const unit = await this.#file(target, node.name.at, scope, trail)
    if (unit) scope.loaded.set(node, unit)
    return unit
  }

  async #resolve(nodes: readonly Node[], scope: Scope, trail: Trail): Promise<Node[]> {
    const resolved: Node[] = []
    for (const node of nodes) {
      if (isImport(node)) {
        for (const imported of await this.#import(node, scope, trail)) resolved.push(imported)
      } else if (node.children && node.children.length > 0) {
        resolved.push({ ...node, children: await this.#resolve(node.children, scope, this.#block(node, trail)) })
      } else {
        resolved.push(node)
      }
    }
    return resolved
  }

  async #import(node: Node, scope: Scope, trail: Trail): Promise<readonly Node[]> {
    const [target, ...more] = node.args
    const { at } = node.name
    if (!target || more.length > 0) {
      const count = node.args.length === 0 ? 'none' : `${node.args.length}`
      this.#report.problem(at, `import needs exactly one argument, the name of a snippet or a file; it has ${count}`)
      return []
    }
    const snippet = scope.snippets.get(target.text)
    if (snippet) {
      const inner = this.#enter(snippet, target.text, at, trail)
      return inner ? this.#resolve(this.#imported(snippet, at), scope, inner) : []
    }
    const unit = scope.loaded.get(node) ?? (await this.#file(target, at, scope, trail))
    if (!unit) {
      if (!scope.partial) this.#report.problem(target.at, unknown(target.text))
      return []
    }
    for (const [name, body] of unit.snippets) scope.snippets.set(name, body)
    return unit.nodes
  }

  /** The file that an import names, or undefined when there is none; one that is there but unusable is reported. */
  async #file(target: Word, at: Position, scope: Scope, trail: Trail): Promise<Unit | undefined> {
    const path = isAbsolute(target.text) ? target.text : join(dirname(scope.file), target.text)
    for (const file of target.text === '' ? [] : [path, `${path}.conf`]) {
      const loaded = await this.#sources.load(file, at)
      if (loaded instanceof Unreadable && loaded.missing) continue
      const unit = await this.#enterFile(loaded, file, target, at, trail)
      scope.partial ||= unit.partial
      return unit
    }
    return undefined
  }

  async #enterFile(loaded: Parsed | Unreadable, file: string, target: Word, at: Position, trail: Trail): Promise<Unit> {
    const nothing = { nodes: [], macros: new Map(), snippets: new Map(), partial: true }
    if (loaded instanceof Unreadable) {
      this.#report.problem(target.at, `cannot import ${show(file, 300)}: ${loaded.reason}`)
      return nothing
    }
    this.#budget.file(at)
    const inner = this.#enter(this.#sources.path(file), target.text, at, trail)
    return inner ? this.#unit(loaded, file, at, inner) : nothing
  }

  /** One step further in, or undefined when that would lead back to where it came from. */
  #enter(target: unknown, name: string, at: Position, outer: Trail): Trail | undefined {
    const trail = { target, name, depth: outer.depth + 1, outer }
    for (let step: Trail | undefined = outer; step; step = step.outer) {
      if (step.target !== target) continue
      const reason = `import recursion: ${show(name)} leads back to itself (${path(trail, step)})`
      this.#report.problem(at, `${reason}, and the limit is ${maxImportDepth} imports inside each other`)
      return undefined
    }
    this.#checkDepth(trail, at)
    return trail
  }

  #block(node: Node, outer: Trail): Trail {
    const trail = { target: node, name: '', depth: outer.depth + 1, outer }
    // Blocks alone are bounded by the parser.
    if (node.name.at.via) this.#checkDepth(trail, node.name.at)
    return trail
  }

  #checkDepth({ depth }: Trail, at: Position): void {
    if (depth > maxImportDepth) this.#budget.giveUp(at, `imports are nested more than ${maxImportDepth} deep`)
  }

  /** The body of a snippet as the import at `via` brings it in. */
  #imported(nodes: readonly Node[], via: Position): Node[] {
    const word = ({ text, quoted, at: { file, line, column } }: Word): Word => {
      this.#budget.word(text, via)
      return { text, quoted, at: { file, line, column, via } }
    }
    return nodes.map(({ name, args, children }) => ({
      name: word(name),
      args: args.map(word),
      ...(children && { children: this.#imported(children, via) }),
    }))
  }
}

const unknown = (name: string): string => {
  const reason = `unknown import ${show(name)}: there is neither a snippet nor a file of this name`
  if (/[{<]env:/.test(name)) return `${reason}; environment variables have no meaning in an import`
  return name.includes('*') ? `${reason}; a * stands for itself` : reason
}

/** The names on the way from `start` to `end`. */
const path = (end: Trail, start: Trail): string => {
  const names: string[] = []
  for (let step: Trail | undefined = end; step && step !== start.outer; step = step.outer) {
    if (step.name !== '') names.unshift(step.name)
  }
  return names.map((name) => show(name)).join(' > ')
}
