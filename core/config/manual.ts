import type { Directive, Directives, Shape } from './directive.ts'

/** What the manual wants to know of a module: a part of its definition. */
export interface Described {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly doc: string
  readonly provides: readonly { readonly name: string }[]
  readonly config: Directives
  readonly inline?: Directive<unknown>
  readonly lines?: Directive<unknown>
}

/** A directive, as a list for machines has it. */
export interface DirectiveEntry {
  readonly name: string
  /** `bool`, `size`, `enum:a,b`, `module:table`, `custom: …`; `block:NAME` names one of the blocks. */
  readonly args: string
  /** As written in a configuration; null when nothing is set, or the value is worked out. */
  readonly default: string | null
  readonly required: boolean
  /** Taken from the top level when absent. */
  readonly inherits: boolean
  readonly repeatable: boolean
  readonly doc: string
}

export interface ModuleEntry {
  readonly name: string
  readonly aliases: readonly string[]
  readonly roles: readonly string[]
  /** What the words after the module's name mean. */
  readonly inline: string
  readonly doc: string
  readonly directives: readonly DirectiveEntry[]
}

/** Everything that can be written in a configuration, for programs. */
export interface Reference {
  readonly modules: readonly ModuleEntry[]
  readonly globals: readonly DirectiveEntry[]
  readonly blocks: Readonly<Record<string, readonly DirectiveEntry[]>>
}

/** The reference of these modules, of the top level, and of every block within them; `blocks` has further ones. */
export const reference = (
  modules: readonly Described[],
  globals: Directives,
  blocks: Readonly<Record<string, Directives>>,
): Reference => {
  const found = new Map<string, readonly DirectiveEntry[]>()
  for (const [name, directives] of Object.entries(blocks)) collect(name, directives, found)
  for (const directives of [globals, ...modules.map(({ config }) => config)]) collectBelow(directives, found)
  for (const { inline, lines } of modules) {
    for (const directive of [inline, lines]) if (directive) collectBelow({ directive }, found)
  }
  return {
    modules: modules.map(moduleEntry),
    globals: entries(globals),
    blocks: Object.fromEntries(Array.from(found).sort(([a], [b]) => (a < b ? -1 : 1))),
  }
}

const collect = (name: string, directives: Directives, found: Map<string, readonly DirectiveEntry[]>): void => {
  if (found.has(name)) return
  found.set(name, entries(directives))
  collectBelow(directives, found)
}

const collectBelow = (directives: Directives, found: Map<string, readonly DirectiveEntry[]>): void => {
  for (const [name, { shape }] of Object.entries(directives)) {
    if (shape.children) collect(blockName(name, shape), shape.children, found)
  }
}

/** A block is called what its directive says, or like its directive. */
const blockName = (directive: string, { args }: Shape): string => /\bblock:([\w.]+)/.exec(args)?.[1] ?? directive

/** Where the manual has another word for a role than the code. */
const roleNames: Readonly<Record<string, string>> = {
  blob_store: 'storage.blob',
  tls_loader: 'tls.loader',
  imap_filter: 'imap.filter',
  dns_provider: 'libdns',
}

const moduleEntry = ({ name, aliases = [], doc, provides, config, inline }: Described): ModuleEntry => ({
  name,
  aliases,
  roles: provides.map((role) => roleNames[role.name] ?? role.name),
  inline: inline ? inline.shape.usage : 'none allowed',
  doc,
  directives: entries(config),
})

const entries = (directives: Directives): readonly DirectiveEntry[] =>
  Object.entries(directives).map(([name, { shape }]) => ({
    name,
    args: shape.args,
    default: shape.fallback === undefined || shape.fallback === '' ? null : shape.fallback,
    required: shape.required ?? false,
    inherits: shape.inherit ?? false,
    repeatable: shape.many ?? false,
    doc: shape.doc ?? '',
  }))

/** The reference page of a module, from its definition alone. */
export const manualPage = ({ name, aliases = [], doc, config, inline, lines }: Described): string => {
  const title = inline ? `${name} ${inline.shape.usage}` : name
  const also = aliases.length > 0 ? [`Also known as ${aliases.join(', ')}.`] : []
  const words = inline?.shape.doc ? [`The words after the name: ${inline.shape.doc}`] : []
  const others = lines?.shape.doc ? describe({ '': lines }, 0) : []
  return [`# ${title}`, doc, ...also, ...words, ...describe(config, 0), ...others].join('\n\n')
}

/** The reference page of the top level. */
export const manualOfGlobals = (globals: Directives): string =>
  ['# The top level', 'Directives that belong to no block.', ...describe(globals, 0)].join('\n\n')

/** How deep blocks are described in place: those below repeat the ones above. */
const deepest = 3

const describe = (directives: Directives, depth: number): string[] =>
  Object.entries(directives).flatMap(([name, directive]) => [
    describeOne(name, directive, '    '.repeat(depth)),
    ...(directive.shape.children && depth < deepest ? describe(directive.shape.children, depth + 1) : []),
  ])

const describeOne = (name: string, { shape }: Directive<unknown>, indent: string): string => {
  const { doc = '', usage, required, fallback, many, inherit, environment } = shape
  const notes = [
    required ? 'required' : '',
    fallback ? `default: ${fallback}` : '',
    inherit ? 'taken from the top level when absent' : '',
    environment ? `taken from the environment variable ${environment.name} when absent` : '',
    many ? 'may be repeated' : '',
  ].filter((note) => note !== '')
  const text = [doc, notes.length > 0 ? `(${notes.join('; ')})` : ''].filter((part) => part !== '').join(' ')
  const title = indent + `${name} ${usage}`.trim()
  return text === '' ? title : `${title}\n${indent}    ${text}`
}
