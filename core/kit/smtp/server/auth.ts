import { isSaslMechanism, SaslError, type SaslServer, type SaslStep, usableMechanisms } from '../../sasl/index.ts'
import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { badSequence, notGreeted } from './reply.ts'

/** AUTH (RFC 4954 §4). */
export const auth = (connection: Connection, argument: string): void | Promise<void> => {
  const { options, secure, channel } = connection
  const { mechanisms = [] } = options
  if (!connection.greeted) throw notGreeted()
  if (connection.authenticated) throw SmtpError.permanent(503, '5.5.1', 'Already authenticated')
  if (connection.transaction) throw badSequence('AUTH not allowed during a mail transaction')
  const [name = '', initial] = argument.trim().split(/ +/)
  if (name === '') throw SmtpError.permanent(502, '5.5.4', 'Missing parameter')
  if (!secure && !options.insecureAuth) throw SmtpError.permanent(523, '5.7.10', 'TLS is required')
  if (mechanisms.length === 0) throw invalid()
  const mechanism = name.toUpperCase()
  if (!isSaslMechanism(mechanism) || !usableMechanisms(mechanisms, channel).includes(mechanism)) {
    throw failed('unsupported SASL mechanism')
  }
  const response = initial === undefined ? null : decode(initial)
  return proceed(connection, connection.receiver.authenticate(mechanism, channel), response)
}

const proceed = async (connection: Connection, exchange: SaslServer, response: Buffer | null): Promise<void> => {
  const step = await stepOf(exchange, response)
  if ('challenge' in step) {
    connection.answer = (line) => {
      if (line === '*') throw SmtpError.permanent(501, '5.0.0', 'Negotiation cancelled')
      return proceed(connection, exchange, decode(line))
    }
    connection.reply(334, '', Buffer.from(step.challenge).toString('base64'))
    return
  }
  if (step.username === null) throw invalid()
  connection.authenticated = true
  connection.receiver.authenticated(step.username)
  connection.reply(235, '2.0.0', 'Authentication succeeded')
}

const stepOf = async (exchange: SaslServer, response: Buffer | null): Promise<SaslStep> => {
  try {
    return await exchange.step(response)
  } catch (error) {
    if (!(error instanceof SaslError)) throw failed('Temporary authentication failure', error)
    throw error.kind === 'malformed' ? failed(error.message) : invalid()
  }
}

/** `=` stands for an initial response that is empty. */
const decode = (text: string): Buffer => {
  if (text === '=') return Buffer.alloc(0)
  if (text.length % 4 !== 0 || !/^[a-z0-9+/]*={0,2}$/i.test(text)) throw failed('Invalid base64 data')
  return Buffer.from(text, 'base64')
}

const invalid = () => SmtpError.permanent(535, '5.7.8', 'Invalid credentials')

const failed = (text: string, cause?: unknown) => SmtpError.temporary(454, '4.7.0', text, { cause })
