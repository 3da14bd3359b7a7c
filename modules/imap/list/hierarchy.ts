import type { MailboxEntry } from '../../../core/index.ts'

/** What separates the levels of a name. */
export const separator = '.'

/** A name in the hierarchy: a mailbox, or a parent that exists only through its children. */
export interface Place {
  readonly name: string
  /** Undefined where there is no mailbox. */
  readonly entry: MailboxEntry | undefined
  readonly hasChildren: boolean
}

/** All names, in the order of the mailboxes; a parent without a mailbox stands before its first child. */
export function hierarchy(entries: readonly MailboxEntry[]): readonly Place[] {
  const existing = new Map(entries.map((entry) => [entry.name, entry]))
  const parents = new Set<string>()
  const names = new Set<string>()
  for (const { name } of entries) {
    for (const parent of parentsOf(name)) {
      parents.add(parent)
      if (!existing.has(parent)) names.add(parent)
    }
    names.add(name)
  }
  return [...names].map((name) => ({ name, entry: existing.get(name), hasChildren: parents.has(name) }))
}

/** The names above a name, outermost first. */
export function parentsOf(name: string): string[] {
  const parents: string[] = []
  for (let at = name.indexOf(separator); at >= 0; at = name.indexOf(separator, at + 1)) parents.push(name.slice(0, at))
  return parents
}
