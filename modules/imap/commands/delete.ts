import { type Command, loggedIn } from '../command.ts'

/** DELETE (RFC 9051 §6.3.5). A mailbox that this session has selected is closed first. */
export const deleteMailbox: Command = {
  name: 'DELETE',
  states: loggedIn,
  async run(session, args) {
    const name = args.mailbox()
    args.end()
    if (session.selected?.name === name && name !== 'INBOX') {
      await session.deselect()
      session.out.line('* OK [CLOSED] Mailbox closed')
    }
    await session.account.delete(name)
    return undefined
  },
}
