import type { Budget } from './budget.ts'
import type { Node, Word } from './node.ts'
import { type Report, show } from './report.ts'

/** The variables that `{env:NAME}` can name, as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

// Up to the nearest closing character. A name has no $, as in maddy, and no opening character, which keeps this linear.
const reference = /\{env:([^{}$]+)\}|<env:([^<>$]+)>/g

/**
 * Replaces `{env:NAME}` and `<env:NAME>` in the arguments of all nodes. A value stays one word, is not looked into
 * again, and is empty, with a warning, when the variable does not exist.
 */
export const expandEnvironment = (
  nodes: readonly Node[],
  env: Environment,
  report: Report,
  budget: Budget,
): readonly Node[] => {
  const expand = (word: Word): Word => {
    if (!word.text.includes('env:')) return word
    const text = word.text.replace(reference, (_written, braced?: string, angled?: string) => {
      const name = braced ?? angled ?? ''
      const value = Object.hasOwn(env, name) ? env[name] : undefined
      if (value === undefined)
        report.warn(word.at, `the environment variable ${show(name)} is not set and stands for an empty text`)
      if (value !== undefined) budget.word(value, word.at)
      return value ?? ''
    })
    return { ...word, text }
  }
  const expandNode = ({ name, args, children }: Node): Node => ({
    name,
    args: args.map(expand),
    ...(children && { children: children.map(expandNode) }),
  })
  return nodes.map(expandNode)
}
