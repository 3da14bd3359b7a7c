import type { CstNode, IRecognitionException, IToken } from 'chevrotain'
import type { Layout } from './braces.ts'
import type { BlockCstNode, FileCstNode } from './cst.d.ts'
import { grammar } from './parser.ts'

/** The syntax tree of one file. What stands in very deep blocks is parsed on its own, and put into its block then. */
export const buildTree = (layout: Layout, onError: (error: IRecognitionException) => void): FileCstNode => {
  const blocks = new Map<IToken, BlockCstNode>()
  const parse = (tokens: readonly IToken[]): FileCstNode => {
    grammar.input = [...tokens]
    const cst = grammar.file() as FileCstNode
    for (const error of grammar.errors) onError(error)
    if (layout.deep.size > 0) collectBlocks(cst, blocks)
    return cst
  }
  const root = parse(layout.tokens)
  for (const [open, tokens] of layout.deep) {
    const block = blocks.get(open)
    if (block) Object.assign(block.children, parse(tokens).children)
  }
  grammar.input = [] // lets go of the tokens
  return root
}

const collectBlocks = (node: CstNode, blocks: Map<IToken, BlockCstNode>): void => {
  for (const element of Object.values(node.children).flat()) {
    if (!('children' in element)) continue
    const [open] = element.children.Open ?? []
    if (open && 'image' in open) blocks.set(open, element as BlockCstNode)
    collectBlocks(element, blocks)
  }
}
