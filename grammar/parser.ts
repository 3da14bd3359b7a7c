import { CstParser, EOF, type IParserConfig, type IParserErrorMessageProvider, type IToken } from 'chevrotain'
import { show } from './report.ts'
import { Bare, Close, Empty, Newline, Open, Quoted, tokens } from './tokens.ts'

const found = (token: IToken | undefined): string => {
  if (token === undefined || token.tokenType === EOF) return 'the end of the file'
  return token.tokenType === Newline ? 'the end of the line' : show(token.image)
}

const unexpected = (token: IToken | undefined): string => `${found(token)} was not expected here`

/** Chevrotain speaks of tokens and alternatives; whoever wrote the configuration knows words and braces. */
const messages: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected, actual }) =>
    expected === Close ? `expected } before ${found(actual)}` : unexpected(actual),
  buildNotAllInputParsedMessage: ({ firstRedundant }) => unexpected(firstRedundant),
  buildNoViableAltMessage: ({ actual }) => unexpected(actual[0]),
  buildEarlyExitMessage: ({ actual }) => unexpected(actual[0]),
}

/**
 * The shape of a configuration; what a directive means is the business of whoever reads the tree. Two rules are wider
 * than the language, since a tree that has the mistake in it makes for a better message than none: a `line` takes a
 * block without a directive, and more than one directive. The visitor refuses both.
 */
export class Grammar extends CstParser {
  readonly file = this.RULE('file', () => {
    this.SUBRULE(this.line)
    this.MANY(() => {
      this.CONSUME(Newline)
      this.SUBRULE2(this.line)
    })
  })

  readonly line = this.RULE('line', () => {
    this.MANY(() => {
      this.OR([{ ALT: () => this.SUBRULE(this.directive) }, { ALT: () => this.SUBRULE(this.block) }])
    })
  })

  readonly directive = this.RULE('directive', () => {
    this.AT_LEAST_ONE(() => this.SUBRULE(this.word))
    this.OPTION(() => this.SUBRULE(this.block))
  })

  readonly word = this.RULE('word', () => {
    this.OR([{ ALT: () => this.CONSUME(Bare) }, { ALT: () => this.CONSUME(Quoted) }])
  })

  readonly block = this.RULE('block', () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Open)
          this.SUBRULE(this.line)
          this.MANY(() => {
            this.CONSUME(Newline)
            this.SUBRULE2(this.line)
          })
          this.CONSUME(Close)
        },
      },
      { ALT: () => this.CONSUME(Empty) },
    ])
  })

  constructor(config: IParserConfig = {}) {
    super(tokens, { recoveryEnabled: true, maxLookahead: 1, errorMessageProvider: messages, ...config })
    this.performSelfAnalysis()
  }
}

/** The one parser; it keeps nothing from one text to the next. A test checks the rules, which takes time at start. */
export const grammar = new Grammar({ skipValidations: true })
