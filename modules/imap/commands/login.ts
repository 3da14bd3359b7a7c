import { ImapError } from '../../../core/kit/imap/error.ts'
import { always, type Command } from '../command.ts'
import { capabilities } from '../features.ts'
import type { Session } from '../session.ts'

/** Refuses a login that comes too late, or too openly. */
export const mayLogIn = (session: Session): void => {
  if (session.state !== 'notAuthenticated') throw new ImapError('NO', undefined, 'Already authenticated')
  if (session.authAllowed) return
  const code = session.secure || session.settings.insecureAuth ? undefined : 'PRIVACYREQUIRED'
  throw new ImapError('NO', code, 'Authentication disabled')
}

/** LOGIN (RFC 9051 §6.2.3). */
export const login: Command = {
  name: 'LOGIN',
  states: always,
  async run(session, args) {
    const username = args.astring('a user name')
    args.space()
    const password = args.astring('a password')
    args.end()
    mayLogIn(session)
    await session.logIn(username, password, 'Invalid credentials')
    return { code: `CAPABILITY ${capabilities(session)}` }
  },
}
