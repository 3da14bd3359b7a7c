import { type Command, loggedIn } from '../command.ts'

/** NAMESPACE (RFC 2342): the user's own mailboxes, and no others. */
export const namespace: Command = {
  name: 'NAMESPACE',
  states: loggedIn,
  async run({ out }, args) {
    args.end()
    out.line('* NAMESPACE (("" ".")) NIL NIL')
    return undefined
  },
}
