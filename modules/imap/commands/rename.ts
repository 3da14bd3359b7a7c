import { type Command, loggedIn } from '../command.ts'

/** RENAME (RFC 9051 §6.3.6). */
export const rename: Command = {
  name: 'RENAME',
  states: loggedIn,
  async run({ account }, args) {
    const from = args.mailbox()
    args.space()
    const to = args.mailbox()
    args.end()
    await account.rename(from, to)
    return undefined
  },
}
