import type { StoredMessage } from '../../../core/index.ts'
import type { Output } from '../../../core/kit/imap/output.ts'
import type { Body } from '../../../core/kit/message/message.ts'
import type { CachedHeader, Structure } from '../../../core/kit/message/structure.ts'

/** What an item of FETCH has to know of a message besides UID, flags, date and size. */
export interface FetchNeeds {
  readonly header?: boolean
  readonly structure?: boolean
  /** The octets. */
  readonly content?: boolean
}

/** A message as the items of FETCH see it. What they need has been loaded. */
export interface FetchedMessage extends StoredMessage {
  readonly sequence: number
  /** The flags as they are shown: \Recent, too, where it applies. */
  readonly shownFlags: string
  readonly header: CachedHeader
  readonly structure: Structure
  readonly content: Body
}

/** One item that a FETCH command asks for, with its arguments read. */
export interface FetchAttribute {
  readonly needs: FetchNeeds
  /** Whether this message, of what has been loaded, needs its octets too. */
  needsContentOf?(message: StoredMessage): boolean
  /** Fetching it sets \Seen. */
  readonly marksSeen?: boolean
  /** Writes name and value; returns a promise only where there is something to wait for. */
  write(message: FetchedMessage, out: Output): void | Promise<void>
}
