import type { Node, Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import type { Scope } from '../config/directive.ts'
import { Problems } from '../config/directive.ts'
import { didYouMean } from '../config/nearest.ts'
import type { ModuleDefinition } from '../module.ts'
import type { Role } from '../role.ts'
import { ModuleError, type Modules } from './registry.ts'

/**
 * The module that `word` names, which is the first of the candidates that exists. `alsoKnown` are further words that may have
 * been meant, and so are the modules in the namespace of `role`. Throws ConfigError.
 */
export const findDefinition = async (
  registry: Modules,
  candidates: readonly string[],
  word: Word,
  { alsoKnown = [], role }: { readonly alsoKnown?: readonly string[]; readonly role?: Role<unknown> } = {},
): Promise<ModuleDefinition> => {
  try {
    for (const name of candidates) {
      const definition = await registry.find(name)
      if (definition) return definition
    }
  } catch (error) {
    if (error instanceof ModuleError) throw new ConfigError(word.at, error.message, { cause: error })
    throw error
  }
  const written = candidates.at(-1) ?? ''
  const prefix = role && role.namespace !== '' ? `${role.namespace}.` : ''
  const names = [...(await registry.names()), ...alsoKnown]
  const near = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  const elsewhere = role && names.find((name) => name.endsWith(`.${written}`))
  const hint = elsewhere ? `; ${elsewhere} cannot be used here` : didYouMean(written, [...near, ...names])
  throw new ConfigError(word.at, `no module is called ${candidates.join(' or ')}${hint}`)
}

/** The values of a module's directives, and of the words after its name. Throws ConfigError. */
export const readConfig = async (
  definition: ModuleDefinition,
  node: Node,
  words: readonly Word[],
  scope: Scope,
): Promise<object> => {
  const { inline, inlineTakesBlock, lines, config, name } = definition
  const takesBlock = inlineTakesBlock === true && words.length > 0
  const { children = [] } = node
  const [own, others] = lines ? split(children, ({ name }) => Object.hasOwn(config, name.text)) : [children, []]
  const problems = new Problems()
  const values = await problems.gather(() => readBlock(config, { ...node, children: takesBlock ? [] : own }, scope))
  const listed = await problems.gather(() =>
    lines?.read(name, [{ ...node, args: [], children: others }], node.name, scope),
  )
  const header: Node = { name: node.name, args: words, ...(takesBlock && node.children && { children: node.children }) }
  const given = await problems.gather(async () => {
    const [extra] = words
    if (!inline && extra)
      throw new ConfigError(extra.at, `${name} takes no words after its name, such as ${extra.text}`)
    return await inline?.read(node.name.text, words.length > 0 ? [header] : [], node.name, scope)
  })
  problems.raise()
  return { ...values, inline: given, lines: listed }
}

const split = <T>(all: readonly T[], fits: (each: T) => boolean): [T[], T[]] => [
  all.filter(fits),
  all.filter((each) => !fits(each)),
]

/** Throws ConfigError unless the module plays that role. */
export const checkRole = ({ name, provides }: ModuleDefinition, role: Role<unknown>, word: Word): void => {
  if (provides.some((each) => each.name === role.name)) return
  const roles = provides.map((each) => spoken(each)).join(', ')
  throw new ConfigError(
    word.at,
    `${word.text} cannot be used here: a ${spoken(role)} is needed, and ${name} is: ${roles}`,
  )
}

const spoken = ({ name }: Role<unknown>): string => words[name] ?? name.replaceAll('_', ' ')

/** Where the name of a role would be no word for an instance of it. */
const words: Readonly<Record<string, string>> = { checks: 'group of checks', modify: 'modifier' }
