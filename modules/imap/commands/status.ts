import { type Command, loggedIn } from '../command.ts'
import { answerStatus, readStatusItems } from '../status_items.ts'

/** STATUS (RFC 9051 §6.3.11), of the selected mailbox too. */
export const status: Command = {
  name: 'STATUS',
  states: loggedIn,
  async run({ account, out }, args) {
    const name = args.mailbox()
    args.space()
    const items = readStatusItems(args)
    args.end()
    out.line(await answerStatus(account, name, items))
    return undefined
  },
}
