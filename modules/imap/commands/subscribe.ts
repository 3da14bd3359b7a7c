import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { type Command, loggedIn } from '../command.ts'
import type { Session } from '../session.ts'

const change =
  (subscribed: boolean) =>
  async ({ account }: Session, args: Arguments) => {
    const name = args.mailbox()
    args.end()
    await account.subscribe(name, subscribed)
    return undefined
  }

/** SUBSCRIBE (RFC 9051 §6.3.7). Only mailboxes that exist can be subscribed to. */
export const subscribe: Command = { name: 'SUBSCRIBE', states: loggedIn, run: change(true) }

/** UNSUBSCRIBE (RFC 9051 §6.3.8). */
export const unsubscribe: Command = { name: 'UNSUBSCRIBE', states: loggedIn, run: change(false) }
