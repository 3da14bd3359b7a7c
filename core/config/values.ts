import type { Node, Problem, Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import type { Shape } from './directive.ts'
import { blaming, Directive } from './directive.ts'
import { didYouMean } from './nearest.ts'

/** Refuses a block where none belongs; an empty one passes. */
export const withoutBlock = ({ name, children }: Node): void => {
  const [child] = children ?? []
  if (child) throw new ConfigError(child.name.at, `${name.text} takes no block`)
}

/** A directive whose words are turned into a value by `parse`, which throws what is wrong with them. */
export const custom = <T>(
  shape: Pick<Shape, 'args' | 'usage' | 'values'>,
  parse: (words: readonly Word[], node: Node) => T,
) =>
  new Directive<T | undefined>(shape, (node) => {
    withoutBlock(node)
    return blaming(node.args[0]?.at ?? node.name.at, () => parse(node.args, node))
  })

/** Turns each word into a value by `parse`, which throws what is wrong with it; tells of every word that is wrong. */
export const everyWord = <T>(words: readonly Word[], parse: (written: string) => T): T[] => {
  const problems: Problem[] = []
  const values: T[] = []
  for (const { text, at } of words) {
    try {
      values.push(blaming(at, () => parse(text)))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return values
}

/** A directive with exactly one argument, turned into a value by `parse`, which throws what is wrong with it. */
export const value = <T>(
  usage: string,
  parse: (written: string) => T,
  args = `custom: ${usage}`,
  values?: readonly string[],
) => custom({ args, usage, ...(values && { values }) }, (words, node) => parse(onlyWord(words, node, usage).text))

const onlyWord = ([word, extra]: readonly Word[], { name }: Node, usage: string): Word => {
  if (!word) throw new ConfigError(name.at, `${name.text} needs ${usage}`)
  if (extra) throw new ConfigError(extra.at, `${name.text} takes only ${usage}, not ${extra.text} as well`)
  return word
}

/** A word, verbatim; not empty. */
export const text = (usage = 'TEXT') =>
  value(
    usage,
    (written) => {
      if (written === '') throw new RangeError(`expected ${usage}, not an empty word`)
      return written
    },
    'string',
  )

/** A word, verbatim, which may be empty. */
export const anyText = (usage = 'TEXT') => value(usage, (written) => written, 'string')

/** A whole number, by default any that is safe. */
export const integer = (min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) =>
  value(
    'NUMBER',
    (written) => {
      const number = /^[+-]?\d+$/.test(written) ? Number(written) : Number.NaN
      if (!Number.isInteger(number)) throw new RangeError(`expected a whole number, not ${quoted(written)}`)
      if (number < min || number > max) throw new RangeError(`expected a number ${range(min, max)}, not ${written}`)
      return number
    },
    'int',
  )

/** A decimal number, with an exponent if need be. */
export const float = () =>
  value(
    'NUMBER',
    (written) => {
      const number = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(written) ? Number(written) : Number.NaN
      if (!Number.isFinite(number)) throw new RangeError(`expected a number such as 1.25, not ${quoted(written)}`)
      return number
    },
    'float',
  )

const range = (min: number, max: number): string => {
  if (min === Number.MIN_SAFE_INTEGER) return `of at most ${max}`
  return max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
}

/** How a word is shown in a message: in quotes when it would not be seen as one. */
export const quoted = (word: string): string => (/^[^\s"']+$/.test(word) ? word : JSON.stringify(word))

const truth = new Map([
  ...['1', 'true', 'on', 'yes'].map((word) => [word, true] as const),
  ...['0', 'false', 'off', 'no'].map((word) => [word, false] as const),
])

/** Yes or no; the bare name of the directive means yes. */
export const flag = () =>
  new Directive<boolean | undefined>({ args: 'bool', usage: '[yes|no]', values: ['yes', 'no'] }, (node) => {
    withoutBlock(node)
    if (node.args.length === 0) return true
    const word = onlyWord(node.args, node, 'yes or no')
    const known = truth.get(word.text.toLowerCase())
    if (known === undefined) throw new ConfigError(word.at, `expected yes or no, not ${quoted(word.text)}`)
    return known
  })

/** One of a closed set of words; the type of the value is their union. */
export const oneOf = <const V extends string>(...values: V[]) =>
  value(values.join('|'), (written) => known(values, written), `enum:${values.join(',')}`, values)

/** One or more of a closed set of words. */
export const someOf = <const V extends string>(...values: V[]) =>
  custom(
    { args: `custom: one or more of ${values.join(' ')}`, usage: `${values.join('|')}…`, values },
    (words, node) => {
      if (words.length === 0)
        throw new ConfigError(node.name.at, `${node.name.text} needs one or more of ${values.join(', ')}`)
      return everyWord(words, (written) => known(values, written))
    },
  )

const known = <V extends string>(values: readonly V[], written: string): V => {
  const value = values.find((each) => each === written)
  if (value === undefined) {
    throw new RangeError(`expected ${values.join(', ')}, not ${quoted(written)}${didYouMean(written, values)}`)
  }
  return value
}

/** `min` words or more, verbatim. */
export function words(usage?: string, min?: 1): Directive<readonly [string, ...string[]] | undefined>
export function words(usage: string, min: 2): Directive<readonly [string, string, ...string[]] | undefined>
export function words(usage: string, min: 0): Directive<readonly string[] | undefined>
export function words(usage = 'WORD…', min = 1): Directive<readonly string[] | undefined> {
  return custom({ args: 'strings', usage }, (given, { name }) => {
    if (given.length < min) throw new ConfigError(name.at, `${name.text} needs ${usage}`)
    return given.map((word) => word.text)
  })
}

/** Words that are accepted and mean nothing, as maddy does where a module ignores its inline arguments. */
export const ignored = () => custom({ args: 'custom: ignored', usage: '…' }, () => undefined)
