import { isSaslMechanism, SaslError, type SaslServer, type SaslStep, saslServer } from '../../sasl/index.ts'
import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { badSequence, notGreeted } from './reply.ts'

/** AUTH (RFC 4954 §4). */
export const auth = (connection: Connection, argument: string): void | Promise<void> => {
  const { options, secure } = connection
  const { mechanisms = [] } = options
  if (!connection.greeted) throw notGreeted()
  if (connection.authenticated) throw SmtpError.permanent(503, '5.5.1', 'Already authenticated')
  if (connection.transaction) throw badSequence('AUTH not allowed during a mail transaction')
  const [name = '', initial] = argument.trim().split(/ +/)
  if (name === '') throw SmtpError.permanent(502, '5.5.4', 'Missing parameter')
  if (!secure && !options.insecureAuth) throw SmtpError.permanent(523, '5.7.10', 'TLS is required')
  if (mechanisms.length === 0) throw invalid()
  const mechanism = name.toUpperCase()
  if (!isSaslMechanism(mechanism) || !mechanisms.includes(mechanism)) throw failed('unsupported SASL mechanism')
  return proceed(connection, saslServer(mechanism), initial === undefined ? null : decode(initial))
}

const proceed = (connection: Connection, exchange: SaslServer, response: Buffer | null): void | Promise<void> => {
  const step = stepOf(connection, exchange, response)
  if (!('challenge' in step)) return verify(connection, step.username, step.password)
  connection.answer = (line) => {
    if (line === '*') throw SmtpError.permanent(501, '5.0.0', 'Negotiation cancelled')
    return proceed(connection, exchange, decode(line))
  }
  connection.reply(334, '', Buffer.from(step.challenge).toString('base64'))
}

const stepOf = (connection: Connection, exchange: SaslServer, response: Buffer | null): SaslStep => {
  try {
    return exchange.step(response)
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    if (error.kind === 'malformed') throw failed(error.message)
    connection.receiver.authenticationRefused(error)
    throw invalid()
  }
}

const verify = async (connection: Connection, username: string, password: string): Promise<void> => {
  let right: boolean
  try {
    right = await connection.receiver.authenticate(username, password)
  } catch (cause) {
    throw failed('Temporary authentication failure', cause)
  }
  if (!right) throw invalid()
  connection.authenticated = true
  connection.reply(235, '2.0.0', 'Authentication succeeded')
}

/** `=` stands for an initial response that is empty. */
const decode = (text: string): Buffer => {
  if (text === '=') return Buffer.alloc(0)
  if (text.length % 4 !== 0 || !/^[a-z0-9+/]*={0,2}$/i.test(text)) throw failed('Invalid base64 data')
  return Buffer.from(text, 'base64')
}

const invalid = () => SmtpError.permanent(535, '5.7.8', 'Invalid credentials')

const failed = (text: string, cause?: unknown) => SmtpError.temporary(454, '4.7.0', text, { cause })
