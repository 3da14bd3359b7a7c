import type { Node, Position, Problem, Word } from '../../grammar/node.ts'
import { ConfigError, describeProblem } from '../../grammar/node.ts'
import type { Role } from '../role.ts'

/** What a directive looks like to a person: the source of the manual, of completion and of hover text. */
export interface Shape {
  /** The kind of its arguments, in the words of the machine-readable manual: `bool`, `size`, `enum:a,b`, `module:table`, `custom: …`. */
  readonly args: string
  /** How it is written, after its name: `SIZE`, `yes|no`, `&NAME|MODULE …`. */
  readonly usage: string
  readonly doc?: string
  /** As an administrator would write it. */
  readonly fallback?: string
  readonly required?: boolean
  readonly many?: boolean
  readonly inherit?: boolean
  readonly environment?: EnvironmentVariable
  readonly role?: Role<unknown>
  /** The words it takes, when they are a closed set. */
  readonly values?: readonly string[]
  /** The directives of its block. */
  readonly children?: Directives
}

/** A variable of the environment that says what a directive says. */
export interface EnvironmentVariable {
  readonly name: string
  /** The words an administrator would write for that value; undefined for one that is to be passed over, with a warning. */
  words(value: string): readonly string[] | undefined
}

/** What a reader may ask of the configuration around it. */
export interface Scope {
  /** The top-level directive of that name, when there is one. */
  global(name: string): Node | undefined
  /** A variable of the environment; undefined when it is not set, or empty. */
  environment(name: string): string | undefined
  /**
   * The instance that the arguments of a node stand for: `&name`, or a module with its arguments and block. `module` is
   * what an empty list of arguments means. Throws ConfigError.
   */
  instance<T>(role: Role<T>, node: Node, module?: string): Promise<T>
  /** As `instance`, for a reference that is part of a legal cycle: resolved last; what it gives is set when the graph is whole. */
  later<T>(role: Role<T>, node: Node): Later<T>
  /** Whether an instance that this scope gave also has that role. */
  provides(instance: unknown, role: Role<unknown>): boolean
  /** Tells the administrator of something that is odd, but no error. */
  warn(at: Position, reason: string): void
  /** A path as written: relative ones are taken from the state directory. */
  path(written: string): string
}

/** A reference that is only to be followed once the graph has been built. */
export interface Later<T> {
  readonly instance: T
}

export type Reader<T> = (node: Node, scope: Scope) => T | Promise<T>

/** How one directive is written, and the type its value has once read. */
export class Directive<T> {
  readonly shape: Shape
  readonly #one: Reader<unknown>

  constructor(shape: Shape, one: Reader<unknown>) {
    this.shape = shape
    this.#one = one
  }

  #with<U>(more: Partial<Shape>): Directive<U> {
    return new Directive<U>({ ...this.shape, ...more }, this.#one)
  }

  doc(text: string): Directive<T> {
    return this.#with({ doc: text })
  }

  /** Absent here (and, with `inherit`, at the top level too), it is an error. */
  required(): Directive<Exclude<T, undefined>> {
    return this.#with({ required: true })
  }

  /** What is read when it is absent, written as an administrator would. */
  default(written: string): Directive<Exclude<T, undefined>> {
    return this.#with({ fallback: written })
  }

  /** May stand several times; the value is a list, empty when it is absent. */
  many(): Directive<Exclude<T, undefined>[]> {
    return this.#with({ many: true })
  }

  /** Taken from the top level of the configuration when absent here. */
  inherit(): Directive<T> {
    return this.#with({ inherit: true })
  }

  /** Taken from a variable of the environment when absent. `words` is as in EnvironmentVariable: one word by default. */
  environment(name: string, words: EnvironmentVariable['words'] = (value) => [value]): Directive<T> {
    return this.#with({ environment: { name, words } })
  }

  /** The same directive with another value, made of the one read. `turn` may throw what is wrong with it. */
  map<U>(turn: (value: Exclude<T, undefined>, at: Position) => U): Directive<undefined extends T ? U | undefined : U> {
    return new Directive(this.shape, async (node, scope) => {
      const value = await this.#one(node, scope)
      return blaming(node.args[0]?.at ?? node.name.at, () => turn(value as Exclude<T, undefined>, node.name.at))
    })
  }

  /** Reads a single occurrence. */
  async readOne(node: Node, scope: Scope): Promise<unknown> {
    return await this.#one(node, scope)
  }

  /** Reads every occurrence of the directive in a block; `owner` is blamed when it is missing. */
  async read(name: string, found: readonly Node[], owner: Word, scope: Scope): Promise<T> {
    const { many, required, fallback, inherit, environment } = this.shape
    const [first, second] = found
    if (second && !many) {
      throw new ConfigError(second.name.at, `${name} is given twice; first on line ${first?.name.at.line}`)
    }
    const global = first || !inherit ? undefined : scope.global(name)
    const variable = first || global ? undefined : fromEnvironment(name, environment, owner, scope)
    if (variable) return (await this.#ofEnvironment(variable, scope)) as T
    const nodes = first ? found : [global ?? written(name, fallback, owner)]
    const values: unknown[] = []
    const problems = new Problems()
    for (const node of nodes) if (node) await problems.gather(async () => values.push(await this.#one(node, scope)))
    problems.raise()
    if (required && values.length === 0) {
      // What stands after the name of a module is read as a directive of that name.
      const missing = name === owner.text ? this.shape.usage : `${name} ${this.shape.usage}`
      const variable = environment ? `, or the environment variable ${environment.name}` : ''
      throw new ConfigError(owner.at, `${owner.text} needs ${missing}`.trimEnd() + variable)
    }
    return (many ? values : values[0]) as T
  }

  /** Nobody finds the mistake at the place of the block, so the variable is named. */
  async #ofEnvironment(node: Node, scope: Scope): Promise<unknown> {
    try {
      const value = await this.#one(node, scope)
      return this.shape.many ? [value] : value
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const variable = this.shape.environment?.name
      throw new ConfigError(error.problems.map(({ at, reason }) => ({ at, reason: `${variable}: ${reason}` })))
    }
  }
}

const fromEnvironment = (
  name: string,
  variable: EnvironmentVariable | undefined,
  { at }: Word,
  scope: Scope,
): Node | undefined => {
  const value = variable && scope.environment(variable.name)
  if (value === undefined) return undefined
  const words = variable?.words(value)
  if (!words) {
    scope.warn(at, `the environment variable ${variable?.name} is nothing that ${name} could be, and is passed over`)
    return undefined
  }
  return { name: { text: name, quoted: false, at }, args: words.map((text) => ({ text, quoted: true, at })) }
}

const written = (name: string, text: string | undefined, { at }: Word): Node | undefined => {
  if (text === undefined) return undefined
  const args =
    text === '' ? [] : text.split(' ').map((word) => ({ text: word === '""' ? '' : word, quoted: false, at }))
  return { name: { text: name, quoted: false, at }, args }
}

/** Runs what may throw anything; an error that names no place is given `at`. */
export const blaming = <T>(at: Position, run: () => T): T => {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause
    throw new ConfigError(at, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Gathers configuration errors, so that one run reports them all. */
export class Problems {
  readonly #found: ConfigError[] = []

  add(error: ConfigError): void {
    this.#found.push(error)
  }

  /** Keeps a ConfigError for later and resolves to undefined; lets anything else pass. */
  async gather<T>(run: () => T | Promise<T>): Promise<T | undefined> {
    try {
      return await run()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#found.push(error)
      return undefined
    }
  }

  /** Throws what was gathered, if anything: each problem once, those of a file in its order. */
  raise(): void {
    const [first, second] = this.#found
    if (!first) return
    if (!second) throw first
    // A directive that several blocks inherit is read for each of them.
    const all = new Map(this.#found.flatMap(({ problems }) => problems).map((each) => [describeProblem(each), each]))
    const files = [...Map.groupBy(all.values(), ({ at }) => at?.file).values()]
    throw new ConfigError(files.flatMap((problems) => problems.toSorted(byPlace)))
  }
}

const byPlace = ({ at: a }: Problem, { at: b }: Problem): number =>
  (a?.line ?? 0) - (b?.line ?? 0) || (a?.column ?? 0) - (b?.column ?? 0)

// biome-ignore lint/suspicious/noExplicitAny: a list of directives holds values of every type
export type Directives = Readonly<Record<string, Directive<any>>>

export type Values<D extends Directives> = { readonly [K in keyof D]: D[K] extends Directive<infer T> ? T : never }
