import { ImapError } from '../../../core/kit/imap/error.ts'
import { SaslError, saslServer } from '../../../core/kit/sasl/index.ts'
import { always, type Command } from '../command.ts'
import { capabilities } from '../features.ts'
import type { Session } from '../session.ts'
import { mayLogIn } from './login.ts'

/** AUTHENTICATE (RFC 9051 §6.2.2), with an initial response (RFC 4959). */
export const authenticate: Command = {
  name: 'AUTHENTICATE',
  states: always,
  async run(session, args) {
    const mechanism = args.keyword('a mechanism')
    let response: Uint8Array | null = null
    if (!args.done) {
      args.space()
      response = decode(args.atom('a response'))
    }
    args.end()
    mayLogIn(session)
    const offered = session.settings.login.mechanisms.find((each) => each === mechanism)
    if (!offered) throw new ImapError('NO', undefined, 'Unsupported mechanism')
    const { username, password } = await exchange(session, offered, response)
    await session.logIn(username, password, 'auth: invalid credentials')
    return { code: `CAPABILITY ${capabilities(session)}` }
  },
}

async function exchange(session: Session, mechanism: 'PLAIN' | 'LOGIN', initial: Uint8Array | null) {
  const server = saslServer(mechanism)
  try {
    for (let response = initial; ; ) {
      const step = server.step(response)
      if ('username' in step) return step
      const line = await session.ask(Buffer.from(step.challenge).toString('base64'))
      if (line === undefined || line === '*') throw ImapError.bad('Authentication cancelled')
      response = decode(line)
    }
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    const code = error.kind === 'authzid' ? 'AUTHORIZATIONFAILED' : 'AUTHENTICATIONFAILED'
    throw new ImapError('NO', code, 'auth: invalid credentials', { cause: error })
  }
}

/** Base64, in which `=` alone stands for nothing at all. */
function decode(text: string): Uint8Array {
  if (text === '=') return new Uint8Array()
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw ImapError.bad('Invalid base64')
  return Buffer.from(text, 'base64')
}
