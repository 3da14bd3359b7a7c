import { parseArgs } from 'node:util'
import { didYouMean } from '../core/config/nearest.ts'
import { UsageError } from './errors.ts'

/** How an option is written; `short` is a single letter. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** May be given several times, or once with commas. */
  readonly multiple?: boolean
  /** What stands for the value in help. */
  readonly usage?: string
  readonly doc: string
  /** Not in help. */
  readonly hidden?: boolean
}

export type Options = Readonly<Record<string, Option>>

export type OptionValue = string | boolean | readonly string[] | undefined

export interface Parsed {
  readonly values: Readonly<Record<string, OptionValue>>
  /** The first word that is no option, and everything after it. */
  readonly rest: readonly string[]
}

/**
 * Reads options in the manner of maddy: one dash or two, `-f v` or `-f=v`, `-f=false`; they end at the first word that is
 * none, or after `--`. Throws UsageError.
 */
export const parseOptions = (args: readonly string[], options: Options): Parsed => {
  const rewritten: string[] = []
  const flags = new Map<string, boolean>()
  let next = 0
  while (next < args.length) {
    const arg = args[next] ?? ''
    if (arg === '--') {
      next++
      break
    }
    const [, written, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(arg) ?? []
    if (written === undefined) break
    const [name, option] = find(written, options)
    next++
    if (option.type === 'boolean') flags.set(name, truth(written, value))
    else if (value !== undefined) rewritten.push(`--${name}=${value}`)
    else if (next < args.length) rewritten.push(`--${name}=${args[next++]}`)
    else throw new UsageError(`-${written} needs ${option.usage ?? 'a value'}`)
  }
  return { values: { ...read(rewritten, options), ...Object.fromEntries(flags) }, rest: args.slice(next) }
}

const find = (written: string, options: Options): readonly [string, Option] => {
  const found = Object.entries(options).find(([name, { short }]) => written === name || written === short)
  if (found) return found
  const near = didYouMean(written, Object.keys(options))
  throw new UsageError(`there is no option -${written} here${near.replace(/mean (.*)\?/, 'mean -$1?')}`)
}

const truth = (written: string, value: string | undefined): boolean => {
  if (value === undefined || /^(1|t|true)$/i.test(value)) return true
  if (/^(0|f|false)$/i.test(value)) return false
  throw new UsageError(`-${written} is true or false, not ${value}`)
}

const read = (args: readonly string[], options: Options): Record<string, OptionValue> => {
  const shapes = Object.entries(options).map(
    ([name, { type, multiple = false }]) => [name, { type, multiple }] as const,
  )
  const { values } = parseArgs({ args, options: Object.fromEntries(shapes) })
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.flatMap(items) : value]),
  )
}

const items = (written: string | boolean): string[] =>
  String(written)
    .split(',')
    .map((item) => item.trim())
