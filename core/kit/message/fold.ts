import { isBlank } from './octets.ts'

/**
 * `name: value` and CRLF, folded at blanks so that a line has `width` columns at most where blanks allow it
 * (RFC 5322 §2.2.3). Line ends in `value` become spaces: no value can smuggle in a field.
 */
export function foldField(name: string, value: string, width = 76): string {
  const lines: string[] = []
  let rest = `${name}: ${value.replace(/[\r\n]+/g, ' ').trim()}`
  // Nothing but the name on the first line is legal, and yet the downfall of simple readers.
  let from = name.length + 2
  while (rest.length > width) {
    const at = foldAt(rest, from, width)
    if (at < 0) break
    lines.push(rest.slice(0, at))
    rest = rest.slice(at)
    from = 1
  }
  return `${[...lines, rest].join('\r\n')}\r\n`
}

/** The last blank that leaves a line of at most `width`, or else the first one; -1 when there is none. */
function foldAt(text: string, from: number, width: number): number {
  let start = from
  while (isBlank(text.charCodeAt(start))) start++ // a line of blanks alone would end the header for some
  for (let at = Math.min(width, text.length - 1); at > start; at--) if (isBlank(text.charCodeAt(at))) return at
  for (let at = Math.max(width, start) + 1; at < text.length; at++) if (isBlank(text.charCodeAt(at))) return at
  return -1
}
