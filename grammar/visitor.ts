import type { IToken } from 'chevrotain'
import { positionOf } from './braces.ts'
import type {
  BlockCstChildren,
  BlockCstNode,
  DirectiveCstChildren,
  FileCstChildren,
  ICstNodeVisitor,
  LineCstChildren,
  WordCstChildren,
} from './cst.d.ts'
import { checkDirective } from './name.ts'
import type { Node, Word } from './node.ts'
import { grammar } from './parser.ts'
import { type Report, show } from './report.ts'
import { isWord, wordText } from './tokens.ts'

/** What the visitor knows of the place it is at. */
export interface Place {
  readonly file: string
  readonly report: Report
  /** Whether it is certain which block a directive is in. */
  readonly balanced: boolean
  readonly nested: boolean
}

/** Turns the syntax tree of one file into nodes, and reports what the rules let pass but the language does not. */
class ToNodes
  extends grammar.getBaseCstVisitorConstructor<Place, unknown>()
  implements ICstNodeVisitor<Place, unknown>
{
  constructor() {
    super()
    this.validateVisitor() // fails at load when the grammar has a rule that this class lacks
  }

  file({ line }: FileCstChildren, place: Place): Node[] {
    return line.flatMap(({ children }) => this.line(children, place))
  }

  line({ directive = [], block = [] }: LineCstChildren, place: Place): Node[] {
    const starts = [
      ...directive.map(({ children }) => wordToken(children.word[0]?.children)),
      ...block.map(({ children }) => blockToken(children)),
    ]
    const [first, second] = starts.sort((a, b) => a.startOffset - b.startOffset)
    if (first && !isWord(first)) {
      place.report.problem(positionOf(first, place.file), 'a block needs a directive before its {, on the same line')
    } else if (second) {
      const reason = `expected a new line after the block, not ${show(second.image)}`
      place.report.problem(positionOf(second, place.file), reason)
    }
    for (const { children } of block) this.block(children, place)
    return directive.map(({ children }) => this.directive(children, place))
  }

  directive({ word, block }: DirectiveCstChildren, place: Place): Node {
    const [name, ...args] = word.map(({ children }) => this.word(children, place)) as [Word, ...Word[]]
    const node = { name, args, ...(block && { children: this.#blocks(block, place) }) }
    checkDirective(node, place.nested, place.report)
    return node
  }

  word(children: WordCstChildren, { file }: Place): Word {
    const token = wordToken(children)
    return { text: wordText(token), quoted: children.Quoted !== undefined, at: positionOf(token, file) }
  }

  block({ line = [] }: BlockCstChildren, place: Place): Node[] {
    const inner = { ...place, nested: place.balanced }
    return line.flatMap(({ children }) => this.line(children, inner))
  }

  #blocks(blocks: readonly BlockCstNode[], place: Place): Node[] {
    return blocks.flatMap(({ children }) => this.block(children, place))
  }
}

// The rules guarantee one alternative; their generated types cannot say so.
const wordToken = (children: WordCstChildren | undefined): IToken => (children?.Bare ?? children?.Quoted)?.[0] as IToken

const blockToken = ({ Open, Empty }: BlockCstChildren): IToken => (Open ?? Empty)?.[0] as IToken

/** The one visitor; it keeps nothing from one tree to the next. */
export const toNodes = new ToNodes()
