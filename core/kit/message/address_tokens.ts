/** A piece of an address field. */
export interface AddressToken {
  /** `special` is one of `< > @ , ; : .`; a `literal` is a domain in brackets; `stray` is what no address may have. */
  readonly kind: 'atom' | 'quoted' | 'literal' | 'special' | 'stray'
  /** Without quotes and backslashes when quoted; with its brackets when a literal. */
  readonly text: string
  /** Offsets in the field. */
  readonly start: number
  readonly end: number
}

const encodedWord = /=\?[^?\s]+\?[bq]\?[^?\s]*\?=/iy
const atom = /[^\s\p{Cc}()<>[\]:;@\\,."]+/uy

/**
 * The tokens of an address field (RFC 5322 §3.2, with the characters of RFC 6532), comments left out. An encoded word is
 * one atom, whatever it holds. What is not closed is closed by the end of the field, as a stray token.
 */
export function addressTokens(text: string): AddressToken[] {
  const tokens: AddressToken[] = []
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at)
    if (/\s/.test(char)) {
      at++
      continue
    }
    if (char === '(') {
      const end = commentEnd(text, at)
      if (end < 0) tokens.push({ kind: 'stray', text: text.slice(at), start: at, end: text.length })
      at = end < 0 ? text.length : end
      continue
    }
    const token = tokenAt(text, at, char)
    tokens.push(token)
    at = token.end
  }
  return tokens
}

function tokenAt(text: string, start: number, char: string): AddressToken {
  if (char === '"') return quoted(text, start)
  if (char === '[') {
    const close = text.indexOf(']', start)
    const end = close < 0 ? text.length : close + 1
    return { kind: close < 0 ? 'stray' : 'literal', text: text.slice(start, end), start, end }
  }
  if ('<>@,;:.'.includes(char)) return { kind: 'special', text: char, start, end: start + 1 }
  for (const form of [encodedWord, atom]) {
    form.lastIndex = start
    const [found] = form.exec(text) ?? []
    if (found) return { kind: 'atom', text: found, start, end: start + found.length }
  }
  return { kind: 'stray', text: char, start, end: start + 1 }
}

function quoted(text: string, start: number): AddressToken {
  let value = ''
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '"') return { kind: 'quoted', text: value, start, end: at + 1 }
    value += char === '\\' && at + 1 < text.length ? text.charAt(++at) : char
  }
  return { kind: 'stray', text: value, start, end: text.length }
}

/** After the comment that starts at `start`; comments nest. -1 when it does not end. */
function commentEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '\\') at++
    else if (char === '(') depth++
    else if (char === ')' && --depth === 0) return at + 1
  }
  return -1
}
