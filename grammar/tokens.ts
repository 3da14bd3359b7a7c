import { createToken, type IToken, Lexer } from 'chevrotain'

// White space as Unicode has it (White_Space), without LF, which ends a line, and CR, which counts for nothing outside
// quotes. JavaScript's \s differs: it has U+FEFF and lacks U+0085.
const space = '\\t\\v\\f \\x85\\xA0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000'

// A brace is a brace only as a word of its own: `{env:HOST}` and `(a|b){2}` are words.
const alone = `\\r*(?![^${space}\\n#])`

/** The end of a line; LF alone, inside quotes it belongs to the word. */
export const Newline = createToken({ name: 'Newline', pattern: /\n/, line_breaks: true })

/** What separates words. */
export const Blank = createToken({
  name: 'Blank',
  pattern: new RegExp(`[${space}\\r]+`),
  group: Lexer.SKIPPED,
  line_breaks: false,
})

/** From `#` to the end of the line, also when it is glued to a word. Kept aside, for a formatter. */
export const Comment = createToken({ name: 'Comment', pattern: /#[^\n]*/, group: 'comments', line_breaks: false })

/** A backslash that stands alone at the end of a line: the directive goes on in the next line that has words. */
export const Continuation = createToken({
  name: 'Continuation',
  pattern: new RegExp(`\\\\(?=[${space}\\r]*(?:#[^\\n]*)?(?:\\n|(?![^])))`),
  line_breaks: false,
})

/** `{}` written in one: an empty block. */
export const Empty = createToken({ name: 'Empty', pattern: new RegExp(`\\{\\r*\\}${alone}`), line_breaks: false })

/** `{`, the beginning of a block. */
export const Open = createToken({ name: 'Open', pattern: new RegExp(`\\{${alone}`), line_breaks: false })

/** `}`, the end of a block. */
export const Close = createToken({ name: 'Close', pattern: new RegExp(`\\}${alone}`), line_breaks: false })

// A loop, not a regular expression: those keep a stack that a long text would overflow.
const quoted = (text: string, start: number): [string] | null => {
  if (text[start] !== '"') return null
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '"') return [text.slice(start, at + 1)]
    if (text[at] === '\\') at++
  }
  return null
}

/** `"…"`, over several lines if need be. `\"` is a quote; any other backslash stands for itself. */
export const Quoted = createToken({ name: 'Quoted', pattern: quoted, start_chars_hint: ['"'], line_breaks: true })

/** A quote that nothing closes. It is an error, and taken to end with its line so that the rest can be read. */
export const Unclosed = createToken({
  name: 'Unclosed',
  pattern: /"[^\n]*/,
  categories: [Quoted],
  line_breaks: false,
})

/** Any other word. A quote or a backslash inside has no meaning. */
export const Bare = createToken({
  name: 'Bare',
  pattern: new RegExp(`[^${space}\\r\\n"#][^${space}\\n#]*`),
  line_breaks: false,
})

/** Every token, in the order in which they are tried. */
export const tokens = [Blank, Newline, Comment, Quoted, Unclosed, Continuation, Empty, Open, Close, Bare]

/** Cuts a text into tokens. No text is refused: what is nothing else is a word. */
export const lexer = new Lexer(tokens, {
  lineTerminatorsPattern: /\n/g,
  lineTerminatorCharacters: ['\n'],
  ensureOptimizations: false,
  skipValidations: true,
})

/** The text that a word token stands for. */
export const wordText = ({ image, tokenType }: IToken): string => {
  if (tokenType === Quoted) return image.slice(1, -1).replaceAll('\\"', '"')
  if (tokenType === Unclosed) return image.slice(1).replaceAll('\\"', '"')
  return image.replaceAll('\r', '')
}

/** Whether a token is a word, quoted or not. */
export const isWord = ({ tokenType }: IToken): boolean =>
  tokenType === Bare || tokenType === Quoted || tokenType === Unclosed
