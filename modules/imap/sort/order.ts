import type { StoredMessage } from '../../../core/index.ts'
import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import type { CachedHeader } from '../../../core/kit/message/structure.ts'
import type { View } from '../view.ts'
import { displayOf, eachMessage, mailboxOf, sentDate, subjectOf } from './summary.ts'

type Value = string | number
type ValueOf = (message: StoredMessage, header: CachedHeader) => Value

/** What messages can be sorted by (RFC 5256 §3, RFC 5957). */
const values: ReadonlyMap<string, ValueOf> = new Map<string, ValueOf>([
  ['ARRIVAL', ({ internalDate }) => internalDate],
  ['CC', (_, { Cc }) => mailboxOf(Cc)],
  ['DATE', (message) => sentDate(message)],
  ['DISPLAYFROM', (_, { From }) => displayOf(From)],
  ['DISPLAYTO', (_, { To }) => displayOf(To)],
  ['FROM', (_, { From }) => mailboxOf(From)],
  ['SIZE', ({ size }) => size],
  ['SUBJECT', (_, header) => subjectOf(header)],
  ['TO', (_, { To }) => mailboxOf(To)],
])

export interface SortKey {
  readonly read: ValueOf
  readonly reverse: boolean
}

/** Reads sort criteria in parentheses; REVERSE turns the one after it. */
export function readSortKeys(args: Arguments): readonly SortKey[] {
  const keys = args.list((): SortKey => {
    const word = args.keyword('a sort key')
    const reverse = word === 'REVERSE'
    if (reverse) args.space()
    const read = values.get(reverse ? args.keyword('a sort key') : word)
    if (!read) throw ImapError.bad('Unknown sort key')
    return { read, reverse }
  })
  if (keys.length === 0) throw ImapError.bad('Expected a sort key')
  return keys
}

/** The UIDs in the order of the keys; where all of them are equal, in the order they had. */
export async function sortUids(view: View, uids: readonly number[], keys: readonly SortKey[]): Promise<number[]> {
  const rows: { readonly uid: number; readonly values: readonly Value[] }[] = []
  await eachMessage(view, uids, (message, header) =>
    rows.push({ uid: message.uid, values: keys.map(({ read }) => read(message, header)) }),
  )
  rows.sort((a, b) => {
    for (const [at, { reverse }] of keys.entries()) {
      const order = compare(a.values[at] as Value, b.values[at] as Value)
      if (order !== 0) return reverse ? -order : order
    }
    return 0
  })
  return rows.map(({ uid }) => uid)
}

const compare = (a: Value, b: Value): number => (a < b ? -1 : a > b ? 1 : 0)
