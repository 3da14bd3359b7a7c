import { ImapError } from '../../../core/kit/imap/error.ts'
import { always, type Command } from '../command.ts'
import { capabilities } from '../features.ts'
import type { Session } from '../session.ts'

/** Refuses a login that comes too late, or too openly. */
export const mayLogIn = (session: Session, possible: boolean): void => {
  if (session.state !== 'notAuthenticated') throw new ImapError('NO', undefined, 'Already authenticated')
  if (possible) return
  const code = session.secure || session.settings.insecureAuth ? undefined : 'PRIVACYREQUIRED'
  throw new ImapError('NO', code, 'Authentication disabled')
}

/** What a client is told that could not be told whether it may log in; not why. */
export const unavailable = (cause: unknown): ImapError =>
  new ImapError('NO', 'UNAVAILABLE', 'Credentials cannot be checked now', { cause })

/** LOGIN (RFC 9051 §6.2.3). */
export const login: Command = {
  name: 'LOGIN',
  states: always,
  async run(session, args) {
    const username = args.astring('a user name')
    args.space()
    const password = args.astring('a password')
    args.end()
    mayLogIn(session, session.mechanisms.includes('PLAIN'))
    if (!(await isRight(session, username, password))) {
      throw new ImapError('NO', 'AUTHENTICATIONFAILED', 'Invalid credentials')
    }
    await session.logIn(username, 'Invalid credentials')
    return { code: `CAPABILITY ${capabilities(session)}` }
  },
}

async function isRight({ settings, peer, stop }: Session, username: string, password: string): Promise<boolean> {
  try {
    return await settings.login.verify(username, password, peer, stop)
  } catch (cause) {
    throw unavailable(cause)
  }
}
