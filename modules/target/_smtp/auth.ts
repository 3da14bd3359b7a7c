import { ConfigError, custom, type Origin, passwordOf, quoted, SmtpError } from '../../../core/index.ts'
import type { Credentials } from '../../../core/kit/smtp/client/index.ts'

/** How to log in at the next server: not at all, always in the same way, or as the user who sends the message. */
export type Login = null | 'forward' | Credentials

const usage = 'off | plain USER PASSWORD | login USER PASSWORD | forward | external'

/** `auth plain USER PASSWORD` and the like. What may be a password is in no error. */
export const login = () =>
  custom(
    { args: `custom: ${usage}`, usage, values: ['off', 'plain', 'login', 'forward', 'external'] },
    (words, { name }): Login => {
      const [kind, username, password] = words.map(({ text }) => text)
      if (kind === undefined) throw new ConfigError(name.at, `auth needs ${usage}`)
      const wanted = kind === 'plain' || kind === 'login' ? 3 : 1
      if (words.length !== wanted && known.has(kind)) {
        const more = wanted === 3 ? 'a user and a password' : 'nothing more'
        throw new ConfigError(name.at, `auth ${kind} takes ${more}`)
      }
      if (username !== undefined && password !== undefined && wanted === 3) {
        if ((username + password).includes('\0')) throw new RangeError('user and password cannot hold a NUL')
        return { mechanism: kind === 'plain' ? 'PLAIN' : 'LOGIN', username, password }
      }
      if (kind === 'off') return null
      if (kind === 'forward') return kind
      if (kind === 'external') return { mechanism: 'EXTERNAL' }
      throw new RangeError(`expected ${usage}, not ${quoted(kind)}`)
    },
  )

const known = new Set(['off', 'plain', 'login', 'forward', 'external'])

/**
 * What to log in with for a message. Throws SmtpError when that would be the sender's own password, and it is not known: who
 * sends it has not logged in by one, or the message has been in a queue, which keeps no passwords.
 */
export const credentialsFor = (login: Login, origin: Origin): Credentials | null => {
  if (login !== 'forward') return login
  const password = passwordOf(origin)
  if (origin.user === null || password === undefined) {
    throw SmtpError.permanent(530, '5.7.0', 'Authentication is required')
  }
  return { mechanism: 'PLAIN', username: origin.user, password }
}
