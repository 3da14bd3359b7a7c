import { createTokenInstance, type IToken } from 'chevrotain'
import type { Position } from './node.ts'
import type { Report } from './report.ts'
import { Bare, Close, isWord, Newline, Open } from './tokens.ts'

/** How many blocks may be open at once. */
export const maxNesting = 256

/** How many levels of blocks the parser is given in one go; its stack has room for some 250, when nothing else is on it. */
const levelsAtOnce = 64

/** The tokens of a file as the parser takes them: lines joined, every brace paired. */
export interface Layout {
  readonly tokens: readonly IToken[]
  /** What stands in very deep blocks, by their {, outermost first. In `tokens` these are empty. */
  readonly deep: ReadonlyMap<IToken, readonly IToken[]>
  /** False when braces had to be left out or made up, so that what belongs into which block is a guess. */
  readonly balanced: boolean
}

/** Where a token stands. */
export const positionOf = ({ startLine = 1, startColumn = 1 }: IToken, file: string): Position => ({
  file,
  line: startLine,
  column: startColumn,
})

/** Pairs the braces of one file, and reports those it has to leave out or make up. */
export class Braces {
  readonly #file: string
  readonly #report: Report
  /** Where tokens go: the file, and each block that is set aside in the one before. */
  readonly #parts: IToken[][] = [[]]
  readonly #deep = new Map<IToken, readonly IToken[]>()
  #last: IToken | undefined
  readonly #open: IToken[] = []
  /** The column in which the line of each open block begins. */
  readonly #indents: number[] = []
  #indent = 1
  #tooDeep = 0
  #balanced = true
  /** The last words that look as if a brace were glued to them, for a hint where a brace is missing. */
  #gluedOpen: IToken | undefined
  #gluedClose: IToken | undefined
  /** The first block that was closed by a } further left than its directive, as happens when its own is missing. */
  #misplaced: { readonly block: IToken; readonly close: IToken } | undefined

  constructor(file: string, report: Report) {
    this.#file = file
    this.#report = report
  }

  /** Whether a directive begins here. */
  get atLineStart(): boolean {
    return this.#afterNewline || this.#last?.tokenType === Open
  }

  add(token: IToken): void {
    if (this.#afterNewline) this.#indent = token.startColumn ?? 1
    this.#parts.at(-1)?.push(token)
    this.#last = token
  }

  get #afterNewline(): boolean {
    return this.#last === undefined || this.#last.tokenType === Newline
  }

  open(token: IToken): void {
    if (this.#open.length < maxNesting && this.#tooDeep === 0) {
      this.add(token)
      this.#open.push(token)
      this.#indents.push(this.#indent)
      if (this.#open.length % levelsAtOnce === 0) this.#setAside(token)
    } else if (++this.#tooDeep === 1) {
      this.#problem(token, `blocks are nested more than ${maxNesting} deep`)
      this.#balanced = false
    }
  }

  close(token: IToken, next: IToken | undefined): void {
    if (this.#tooDeep > 0) {
      this.#tooDeep--
    } else if (this.#open.length > 0) {
      this.#pop(token)
    } else if (this.#isArgument(next)) {
      this.add(wordAt(token, token.image))
    } else {
      this.#problem(token, `unexpected }, no block is open here${this.#hint(this.#gluedOpen, '{')}`)
      this.#gluedOpen = undefined
      this.#balanced = false
    }
  }

  #setAside(open: IToken): void {
    const part: IToken[] = []
    this.#parts.push(part)
    this.#deep.set(open, part)
  }

  #pop(token: IToken): void {
    if (this.#open.length % levelsAtOnce === 0) this.#parts.pop()
    const block = this.#open.pop()
    const indent = this.#indents.pop() ?? 1
    if (block && this.#afterNewline && (token.startColumn ?? 1) < indent) this.#misplaced ??= { block, close: token }
    this.add(token)
  }

  /** `name{` where a directive begins is certainly meant to open a block; elsewhere it may be a word like any other. */
  glued(token: IToken): void {
    const { image, startOffset } = token
    if (this.atLineStart && /^[^{}]+\{\r*$/.test(image)) {
      const brace = image.lastIndexOf('{')
      const column = (token.startColumn ?? 1) + brace
      const opening = createTokenInstance(Open, '{', startOffset + brace, startOffset + brace, ...onLine(token, column))
      this.#problem(opening, 'put a space before {, which is part of the name otherwise')
      this.add(wordAt(token, image.slice(0, brace)))
      this.open(opening)
      return
    }
    if (/^\{[^}]*$|^[^{}]+\{\r*$/.test(image)) this.#gluedOpen = token
    if (/^[^{]*\}[^{}]*$/.test(image)) this.#gluedClose = token
    this.add(token)
  }

  /** Everything added so far, with a } for each block that has none. */
  end(): Layout {
    for (const token of this.#open) {
      this.#problem(token, `this block is not closed, a } is missing${this.#whereMissing(token)}`)
      this.#balanced = false
    }
    for (const { startOffset, startLine = 1, startColumn = 1 } of this.#open.toReversed()) {
      const end = [startLine, startLine, startColumn, startColumn] as const
      this.#pop(createTokenInstance(Close, '', startOffset, startOffset, ...end))
    }
    return { tokens: this.#parts[0] ?? [], deep: this.#deep, balanced: this.#balanced }
  }

  /** At the top level, where it cannot close anything, a } between two words is one itself: `a b } c`. */
  #isArgument(next: IToken | undefined): boolean {
    return this.#last !== undefined && isWord(this.#last) && next !== undefined && isWord(next)
  }

  #whereMissing({ startOffset }: IToken): string {
    if (this.#gluedClose && this.#gluedClose.startOffset > startOffset) return this.#hint(this.#gluedClose, '}')
    if (this.#misplaced === undefined || this.#misplaced.block.startOffset < startOffset) return ''
    const { block, close } = this.#misplaced
    return `; perhaps that of line ${block.startLine}, since the } in line ${close.startLine} stands further left`
  }

  #hint(glued: IToken | undefined, brace: string): string {
    if (glued === undefined) return ''
    return `; the ${brace} in line ${glued.startLine} is part of a word, since it has no space around it`
  }

  #problem(token: IToken, reason: string): void {
    this.#report.problem(positionOf(token, this.#file), reason)
  }
}

const onLine = ({ startLine = 1 }: IToken, column: number) => [startLine, startLine, column, column] as const

const wordAt = (token: IToken, image: string): IToken => {
  const { startOffset, startColumn = 1, startLine = 1 } = token
  const last = image.length - 1
  const end = [startLine, startColumn, startColumn + last] as const
  return createTokenInstance(Bare, image, startOffset, startOffset + last, startLine, ...end)
}
