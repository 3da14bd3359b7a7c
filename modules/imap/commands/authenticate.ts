import { ImapError } from '../../../core/kit/imap/error.ts'
import type { SaslServer, SaslStep } from '../../../core/kit/sasl/index.ts'
import { SaslError } from '../../../core/kit/sasl/index.ts'
import { always, type Command } from '../command.ts'
import { capabilities } from '../features.ts'
import type { Session } from '../session.ts'
import { mayLogIn, unavailable } from './login.ts'

const refusal = 'auth: invalid credentials'

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
    mayLogIn(session, session.mechanisms.length > 0)
    const offered = session.mechanisms.find((each) => each === mechanism)
    if (!offered) throw new ImapError('NO', undefined, 'Unsupported mechanism')
    const { peer, channel, stop: signal } = session
    const username = await converse(
      session,
      session.settings.login.exchange(offered, { peer, channel, signal }),
      response,
    )
    await session.logIn(username, refusal)
    return { code: `CAPABILITY ${capabilities(session)}` }
  },
}

/** Carries an exchange. Resolves to the name that has logged in; throws ImapError. */
async function converse(session: Session, exchange: SaslServer, initial: Uint8Array | null): Promise<string> {
  for (let response = initial; ; ) {
    const step = await next(exchange, response)
    if (!('challenge' in step)) {
      if (step.username === null) throw new ImapError('NO', 'AUTHENTICATIONFAILED', refusal)
      return step.username
    }
    const line = await session.ask(Buffer.from(step.challenge).toString('base64'))
    if (line === undefined || line === '*') throw ImapError.bad('Authentication cancelled')
    response = decode(line)
  }
}

async function next(exchange: SaslServer, response: Uint8Array | null): Promise<SaslStep> {
  try {
    return await exchange.step(response)
  } catch (cause) {
    if (!(cause instanceof SaslError)) throw unavailable(cause)
    const code = cause.kind === 'authzid' ? 'AUTHORIZATIONFAILED' : 'AUTHENTICATIONFAILED'
    throw new ImapError('NO', code, refusal, { cause })
  }
}

/** Base64, in which `=` alone stands for nothing at all. */
function decode(text: string): Uint8Array {
  if (text === '=') return new Uint8Array()
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw ImapError.bad('Invalid base64')
  return Buffer.from(text, 'base64')
}
