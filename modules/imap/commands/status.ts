import { type Command, loggedIn } from '../command.ts'
import { formatStatus, readStatusItems } from '../status_items.ts'

/** STATUS (RFC 9051 §6.3.11), of the selected mailbox too. */
export const status: Command = {
  name: 'STATUS',
  states: loggedIn,
  async run({ account, out }, args) {
    const name = args.mailbox()
    args.space()
    const items = readStatusItems(args)
    args.end()
    out.line(formatStatus(name, items, await account.status(name)))
    return undefined
  },
}
