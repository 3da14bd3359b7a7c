import type { IToken } from 'chevrotain'
import { Braces, type Layout, positionOf } from './braces.ts'
import type { Report } from './report.ts'
import { Bare, Close, Continuation, Newline, Open, Unclosed } from './tokens.ts'

/**
 * Joins continued lines and pairs braces before the parser sees them. A brace too many or too few is found best here,
 * where the open blocks are at hand; and since nesting is bounded here, the parser's recursion is bounded too.
 */
export const layOut = (tokens: readonly IToken[], file: string, report: Report): Layout => {
  const braces = new Braces(file, report)
  let joining = false
  for (const [index, token] of tokens.entries()) {
    const { tokenType } = token
    if (tokenType === Newline && joining) continue
    joining = tokenType === Continuation
    if (tokenType === Open) braces.open(token)
    else if (tokenType === Close) braces.close(token, tokens[index + 1])
    else if (tokenType === Bare && /[{}]/.test(token.image)) braces.glued(token)
    else if (tokenType !== Continuation) braces.add(token)
    else if (braces.atLineStart) report.problem(positionOf(token, file), 'a line cannot begin with a lone \\')
    if (tokenType === Unclosed) report.problem(positionOf(token, file), 'this quote is not closed')
  }
  return braces.end()
}
