import type { IToken } from 'chevrotain'
import { positionOf } from './braces.ts'
import type { FileCstNode } from './cst.d.ts'
import { layOut } from './layout.ts'
import type { Node, Problem } from './node.ts'
import { Report } from './report.ts'
import { lexer, Newline, Quoted } from './tokens.ts'
import { buildTree } from './tree.ts'
import { toNodes } from './visitor.ts'

/** One file as it is written: nothing imported, no macro or environment variable replaced. */
export interface Parsed {
  /** The directives, as far as they could be told; with problems, a best guess. */
  readonly nodes: readonly Node[]
  /** Everything that is wrong, in the order of the text. */
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** The syntax tree with every token, for formatter and editor. A } that is missing has an empty image. */
  readonly cst: FileCstNode
  /** Comments with their #, which the tree does not have; their offsets tell where they belong. */
  readonly comments: readonly IToken[]
  /** False when braces do not pair up, so that it is a guess what belongs into which block. */
  readonly balanced: boolean
}

/**
 * Reads the text of one file. Never throws: whatever is wrong is in `problems`, each with its place. `file` is the
 * name that positions carry; nothing is read from it. A byte-order mark at the beginning is skipped.
 */
export const parseText = (text: string, file: string): Parsed => {
  const report = new Report()
  const { tokens, groups } = lexer.tokenize(text.startsWith('\uFEFF') ? text.slice(1) : text)
  const comments = groups.comments ?? []
  warnOfGluedComments(tokens, comments, file, report)
  const layout = layOut(tokens, file, report)
  const cst = buildTree(layout, ({ token, message }) => report.problem(positionOf(token, file), message))
  const nodes = toNodes.file(cst.children, { file, report, balanced: layout.balanced, nested: false })
  const [problems, warnings] = [inOrder(report.problems), inOrder(report.warnings)]
  return { nodes, problems, warnings, cst, comments, balanced: layout.balanced }
}

/** maddy revives the words after such a comment, which nobody can mean; whoever has one should hear of it. */
const warnOfGluedComments = (tokens: readonly IToken[], comments: readonly IToken[], file: string, report: Report) => {
  let index = 0
  for (const comment of comments) {
    while ((tokens[index]?.startOffset ?? Number.POSITIVE_INFINITY) < comment.startOffset) index++
    const before = tokens[index - 1]
    if (before?.endOffset !== comment.startOffset - 1) continue
    if (before.tokenType === Newline || before.tokenType === Quoted) continue
    report.warn(
      positionOf(comment, file),
      'this # ends the word and begins a comment; put a space before it, or quote the word',
    )
  }
}

const inOrder = (problems: readonly Problem[]): Problem[] =>
  problems.toSorted(({ at: a }, { at: b }) => {
    if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
    return a.line - b.line || a.column - b.column
  })
