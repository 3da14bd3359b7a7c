import type { UidRange } from '../../../../core/index.ts'
import type { StorageEvent } from '../events.ts'
import { rangesOf } from '../ranges.ts'

/** A change as processes tell each other, in the form of maddy: a line `SENDER;JSON`. */
interface Update {
  /** 0 new messages, 1 flags of one, 2 messages removed, 3 mailbox gone; ours alone: 100 what happened to an account, 101 anything. */
  readonly Type: number
  /** The mailbox; for 100 the account. */
  readonly Key: number
  readonly SeqSet?: string
  readonly NewFlags?: readonly string[]
  readonly Event?: StorageEvent
}

/** What a line from another process says. */
export type Notice = { readonly mailbox: number } | { readonly event: StorageEvent } | { readonly everything: true }

const accountEvents: readonly string[] = ['created', 'deleted', 'renamed', 'subscription', 'gone', 'expelled']

/** Ranges in one line, so that none becomes longer than others take. */
const rangesInLine = 1000

/** Lines, each with its end, that tell of what was committed; in each at most so many ranges of UIDs. */
export const toLines = (sender: string, event: StorageEvent, ranges = rangesInLine): string =>
  updatesOf(event, ranges)
    .map((update) => `${sender};${JSON.stringify(update).replaceAll(';', '\u0010')}\n`)
    .join('')

/** A line that says that others may have been missed. */
export const gapLine = (sender: string): string =>
  `${sender};${JSON.stringify({ Type: 101, Key: 0 } satisfies Update)}\n`

const updatesOf = (event: StorageEvent, ranges: number): Update[] => {
  switch (event.type) {
    case 'arrived':
      return setsOf(event.uids, ranges).map((set) => ({ Type: 0, Key: event.mailbox, SeqSet: set }))
    case 'flags':
      return event.messages.map(({ uid, flags }) => ({
        Type: 1,
        Key: event.mailbox,
        SeqSet: String(uid),
        ...(flags.length > 0 && { NewFlags: flags }),
      }))
    case 'expunged':
      return setsOf(event.uids, ranges).map((set) => ({ Type: 2, Key: event.mailbox, SeqSet: set }))
    default:
      return [{ Type: 100, Key: event.account, Event: event }]
  }
}

const setsOf = (uids: readonly number[], inLine: number): string[] => {
  const ranges = rangesOf(uids)
  const sets: string[] = []
  for (let at = 0; at < ranges.length; at += inLine) sets.push(setOf(ranges.slice(at, at + inLine)))
  return sets
}

const setOf = (ranges: readonly UidRange[]): string =>
  ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}:${last}`)).join(',')

/** Reads a line without its end; undefined for one that `self` sent. Throws for what is no such line. */
export const fromLine = (line: string, self: string): Notice | undefined => {
  const split = line.indexOf(';')
  if (split < 1) throw new SyntaxError('a line of updates has no sender')
  if (line.slice(0, split) === self) return undefined
  const update: unknown = JSON.parse(line.slice(split + 1).replaceAll('\u0010', ';'))
  if (typeof update !== 'object' || update === null) throw new SyntaxError('an update is no object')
  const { Type, Key, Event } = update as Partial<Update>
  if (typeof Type !== 'number' || typeof Key !== 'number') throw new SyntaxError('an update lacks its type or its key')
  if (Type === 101) return { everything: true }
  if (Type !== 100) return { mailbox: Key }
  if (!isAccountEvent(Event)) throw new SyntaxError('an update tells of an unknown event')
  return { event: Event }
}

/** True for what other processes may tell of an account. */
export const isAccountEvent = (event: unknown): event is StorageEvent => {
  if (typeof event !== 'object' || event === null) return false
  const { type, account, name, mailbox, to } = event as Record<string, unknown>
  if (typeof type !== 'string' || !accountEvents.includes(type) || typeof account !== 'number') return false
  if (type === 'gone' || type === 'expelled') return true
  if (typeof name !== 'string') return false
  if (type === 'deleted' || type === 'renamed') {
    return typeof mailbox === 'number' && (type === 'deleted' || typeof to === 'string')
  }
  return true
}
