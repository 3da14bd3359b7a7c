/** How much a message may be changed on its way before a signature breaks (RFC 6376 §3.4). */
export type Canonicalization = 'relaxed' | 'simple'

/**
 * A field as it is signed (RFC 6376 §3.4.1, §3.4.2), with its final CRLF; `raw` is one whole field. Bytes are the characters
 * of the result, as in Latin-1. A bare LF counts as the line end it becomes on its way.
 */
export function canonicalField(raw: Uint8Array, canonicalization: Canonicalization): string {
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1')
  if (canonicalization === 'simple') return text.replace(/\r?\n/g, '\r\n')
  const colon = text.indexOf(':')
  const name = text.slice(0, colon).replace(/[ \t]+$/, '')
  const value = text
    .slice(colon + 1)
    .replace(/\r?\n/g, '')
    .replace(/[ \t]+/g, ' ')
  return `${name.toLowerCase()}:${trimSpace(value)}\r\n`
}

/** Without the one space that may be left at either end. */
function trimSpace(value: string): string {
  return value.slice(value.startsWith(' ') ? 1 : 0, value.endsWith(' ') ? -1 : undefined)
}
