/** A line of a table that cannot be read. */
export class EntryError extends Error {
  override readonly name = 'EntryError'
}

const lineLimit = 64 * 1024

/**
 * Reads lines `key: value, value`; a key that comes again adds to its values, and one without a colon has an empty value.
 * A `#` begins a comment in the first column only, and nothing is ever quoted. Throws EntryError, which names `file`.
 */
export const parseEntries = (text: string, file: string): Map<string, string[]> => {
  const entries = new Map<string, string[]>()
  for (const [index, line] of text.split('\n').entries()) {
    const at = `${file}:${index + 1}`
    if (Buffer.byteLength(line) >= lineLimit) throw new EntryError(`${at}: the line is too long`)
    if (line.startsWith('#') || line.trim() === '') continue
    const colon = line.indexOf(':')
    const key = (colon < 0 ? line : line.slice(0, colon)).trim()
    if (key === '') throw new EntryError(`${at}: there is no key before the colon`)
    const values = colon < 0 ? [''] : line.slice(colon + 1).split(',')
    const known = entries.get(key) ?? []
    known.push(...values.map((value) => value.trim()))
    entries.set(key, known)
  }
  return entries
}
