import { toModifiedUtf7 } from './utf7.ts'

/** Longer strings go as literals: some clients read quoted ones into a small buffer. */
const longestQuoted = 1024

/** A string as it goes on the wire: quoted where that can be, else a literal (with CR, LF, 8-bit or great length). */
export const string = (value: string): string => {
  if (value.length <= longestQuoted && /^[\x20-\x7e]*$/.test(value)) return `"${value.replace(/["\\]/g, '\\$&')}"`
  const clean = value.replaceAll('\0', '')
  return `{${Buffer.byteLength(clean)}}\r\n${clean}`
}

/** A string, or NIL for none. */
export const nstring = (value: string | null | undefined): string => (value == null ? 'NIL' : string(value))

/** A mailbox name: INBOX as an atom, others quoted, in modified UTF-7. */
export const mailboxName = (name: string): string => (name === 'INBOX' ? name : string(toModifiedUtf7(name)))

/** Items in parentheses. */
export const list = (items: Iterable<string>): string => `(${[...items].join(' ')})`
