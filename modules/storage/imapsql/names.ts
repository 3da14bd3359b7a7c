import { Refusal } from './refusal.ts'

/** What `varchar(255)` holds. */
const longest = 255

/** A mailbox's name with INBOX, and INBOX before a child, in capitals. */
export const foldInbox = (name: string): string => name.replace(/^inbox(?=\.|$)/i, 'INBOX')

/**
 * The name that a new mailbox gets: INBOX folded, one separator at the end dropped. Throws Refusal `name` for what
 * cannot be one: empty elements, control characters, too long a name.
 */
export const newName = (written: string): string => {
  const name = foldInbox(written.replace(/\.$/, ''))
  if (name === '') throw new Refusal('name', 'The name of a mailbox cannot be empty')
  if (name.split('.').includes('')) throw new Refusal('name', 'A part of the name is empty')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (/[\u0000-\u001f\u007f\ufffd]/.test(name)) throw new Refusal('name', 'The name has control characters')
  if (name.length > longest) throw new Refusal('name', `The name is longer than ${longest} characters`)
  return name
}

/** The names above a name, outermost first: `a`, `a.b` for `a.b.c`. */
export const parents = (name: string): string[] =>
  name
    .split('.')
    .slice(0, -1)
    .map((_, index, parts) => parts.slice(0, index + 1).join('.'))
