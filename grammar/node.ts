/** Where a word was written. Lines and columns count from 1; a column counts UTF-16 code units. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The `import` that brought the word in, from a file or a snippet; it may have one of its own, and so on to the root. */
  readonly via?: Position
}

/** One word of a directive: quotes removed, macros and `{env:…}` expanded. */
export interface Word {
  readonly text: string
  readonly quoted: boolean
  readonly at: Position
}

/** A directive as written: `name arg… { children }`. */
export interface Node {
  readonly name: Word
  readonly args: readonly Word[]
  /** Undefined when no braces were written; `{ }` gives an empty list. */
  readonly children?: readonly Node[]
}

/** One thing wrong with a configuration. Without a position it concerns the whole, or the place cannot be told. */
export interface Problem {
  readonly at: Position | undefined
  readonly reason: string
}

/**
 * Everything that is wrong with a configuration, as far as could be told in one go, in the order in which it was found.
 * The message has a line for each problem: `file:line:column: reason`, and how an imported word came in.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(at: Position | undefined, reason: string, options?: ErrorOptions)
  constructor(problems: readonly Problem[])
  constructor(first: Position | undefined | readonly Problem[], reason = '', options?: ErrorOptions) {
    const problems: readonly Problem[] = isList(first) ? first : [{ at: first, reason }]
    super(problems.map(describeProblem).join('\n'), options)
    this.problems = problems
  }
}

const isList = (first: Position | undefined | readonly Problem[]): first is readonly Problem[] => Array.isArray(first)

/** `file:line:column: reason`, followed by the chain of imports, innermost first; of a long one only the beginning. */
export const describeProblem = ({ at, reason }: Problem): string => {
  if (at === undefined) return reason
  const chain: string[] = []
  for (let via = at.via; via !== undefined; via = via.via) chain.push(formatPosition(via))
  const shown = chain.length > 8 ? [...chain.slice(0, 6), `and ${chain.length - 6} more`] : chain
  return `${formatPosition(at)}: ${reason}${chain.length > 0 ? ` (imported at ${shown.join(', ')})` : ''}`
}

/** `file:line:column`. */
export const formatPosition = ({ file, line, column }: Position): string => `${file}:${line}:${column}`
