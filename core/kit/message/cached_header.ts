import type { Header } from './message.ts'
import type { CachedHeader } from './structure.ts'

/** The fields maddy keeps, by the names it keeps them under. */
// biome-ignore format: a list of words
const names: readonly string[] = [
  'From', 'To', 'Cc', 'Bcc', 'Subject', 'Date', 'Message-Id', 'Priority', 'X-Priority', 'References', 'Newsgroups',
  'In-Reply-To', 'Content-Type', 'Reply-To', 'Importance', 'List-Post', 'X-Uniform-Type-Identifier',
  'X-Universally-Unique-Identifier', 'Sender', 'Return-Path', 'Delivered-To',
]

const canonical: ReadonlyMap<string, string> = new Map(names.map((name) => [name.toLowerCase(), name]))

/** The name under which a field is cached, case ignored; undefined when it is not. */
export function cachedName(name: string): string | undefined {
  return canonical.get(name.toLowerCase())
}

/** Those fields of a header that are cached. */
export function cachedHeaderOf(header: Header): CachedHeader {
  const cached: Record<string, string[]> = {}
  for (const field of header.fields) {
    const name = cachedName(field.name)
    if (name === undefined) continue
    const values = cached[name]
    if (values) values.push(field.value)
    else cached[name] = [field.value]
  }
  return cached
}
