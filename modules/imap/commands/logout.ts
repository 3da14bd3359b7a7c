import { always, type Command } from '../command.ts'

/** LOGOUT (RFC 9051 §6.1.3). */
export const logout: Command = {
  name: 'LOGOUT',
  states: always,
  async run(session, args) {
    args.end()
    await session.deselect()
    session.out.line('* BYE Logging out')
    session.logOut()
    return undefined
  },
}
