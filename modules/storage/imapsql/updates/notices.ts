import type { StorageEvent } from '../events.ts'
import { isAccountEvent, toLines } from './record.ts'

/** What a NOTIFY of PostgreSQL takes is less than 8000 bytes. */
const longest = 7900

/** What processes of ours call themselves in updates: maddy's way, with our name in it. */
export const isOurs = (sender: string): boolean => /^\d+-tsmaddy-/.test(sender)

/** The channel on which maddy tells, and wants to be told, of changes of a mailbox. */
export const maddyChannel = (mailbox: number): string => `__uint64_${mailbox}`

/**
 * Everything that was committed together, as processes of ours tell each other, in as many payloads as it takes: of a mailbox
 * where messages have changed `[id, account, name]`, of an account the event itself.
 */
export const payloadsOf = (sender: string, events: readonly StorageEvent[]): string[] => {
  const mailboxes = new Map<number, string>()
  const items: string[] = []
  for (const event of events) {
    if (!('origin' in event)) items.push(JSON.stringify(event))
    else mailboxes.set(event.mailbox, JSON.stringify([event.mailbox, event.account, event.name]))
  }
  const payloads: string[] = []
  let payload = ''
  for (const item of [...items, ...mailboxes.values()]) {
    const longer = payload === '' ? `${sender};[${item}` : `${payload},${item}`
    if (payload !== '' && Buffer.byteLength(longer) >= longest) {
      payloads.push(`${payload}]`)
      payload = `${sender};[${item}`
    } else {
      payload = longer
    }
  }
  return payload === '' ? payloads : [...payloads, `${payload}]`]
}

/** Lines for one maddy and one event; a maddy that shows more messages than these sees the rest when it looks again. */
const linesForMaddy = 200

/** The same for a maddy on this database: on which channel what is said. */
export const maddyNotices = (sender: string, events: readonly StorageEvent[]): [string, string][] =>
  events.flatMap((event) => {
    if (!('origin' in event)) return []
    const lines = toLines(sender, event, 300).split('\n', linesForMaddy)
    return lines.filter((line) => line !== '').map((line): [string, string] => [maddyChannel(event.mailbox), line])
  })

/** What a payload tells. */
export type PayloadNotice =
  | { readonly event: StorageEvent }
  | { readonly mailbox: number; readonly now: { readonly account: number; readonly name: string } }

/** Reads a payload; nothing for one that `self` sent. Throws for what is none. */
export const fromPayload = (payload: string, self: string): PayloadNotice[] => {
  const split = payload.indexOf(';')
  if (split < 1) throw new SyntaxError('a notice has no sender')
  if (payload.slice(0, split) === self) return []
  const items: unknown = JSON.parse(payload.slice(split + 1))
  if (!Array.isArray(items)) throw new SyntaxError('a notice is no list')
  return items.map((item: unknown): PayloadNotice => {
    if (isAccountEvent(item)) return { event: item }
    const [mailbox, account, name] = Array.isArray(item) ? (item as unknown[]) : []
    if (typeof mailbox !== 'number' || typeof account !== 'number' || typeof name !== 'string') {
      throw new SyntaxError('a notice tells of an unknown event')
    }
    return { mailbox, now: { account, name } }
  })
}
