import { SmtpError } from '../error.ts'
import { auth } from './auth.ts'
import type { Connection } from './connection.ts'
import { bdat, data } from './data.ts'
import { greet } from './greeting.ts'
import { mail, rcpt } from './mail.ts'
import { afterwards } from './reply.ts'
import { reset } from './transaction.ts'

/** Does what a command asks for, and replies. An SmtpError it throws is the reply. */
type Command = (connection: Connection, argument: string) => void | Promise<void>

const rset: Command = (connection) =>
  afterwards(reset(connection), () => connection.reply(250, '2.0.0', 'Session reset'))

const quit: Command = (connection) => {
  connection.reply(221, '2.0.0', 'Bye')
  connection.close()
  return reset(connection)
}

/** STARTTLS (RFC 3207): whatever was begun is over, and a new greeting due. */
const starttls: Command = (connection, argument) => {
  if (argument !== '') throw SmtpError.permanent(501, '5.5.4', 'STARTTLS command should not have any arguments')
  if (connection.secure) throw SmtpError.permanent(502, '5.5.1', 'Already running in TLS')
  if (!connection.options.tls) throw SmtpError.permanent(502, '5.5.1', 'TLS not supported')
  return afterwards(reset(connection), () => {
    connection.reply(220, '2.0.0', 'Ready to start TLS')
    connection.startTls()
  })
}

const notImplemented =
  (verb: string): Command =>
  () => {
    throw SmtpError.permanent(502, '5.5.1', `${verb} command not implemented`)
  }

const commands: Readonly<Record<string, Command>> = {
  HELO: greet('HELO'),
  EHLO: greet('EHLO'),
  LHLO: greet('LHLO'),
  AUTH: auth,
  MAIL: mail,
  RCPT: rcpt,
  DATA: data,
  BDAT: bdat,
  RSET: rset,
  QUIT: quit,
  NOOP: (connection) => connection.reply(250, '2.0.0', 'I have successfully done nothing'),
  VRFY: (connection) => connection.reply(252, '2.5.0', 'Cannot VRFY user, but will accept message'),
  ...Object.fromEntries(
    ['SEND', 'SOML', 'SAML', 'EXPN', 'HELP', 'TURN'].map((verb) => [verb, notImplemented(verb)] as const),
  ),
}

/** Runs the command on a line. Verbs have four letters and are followed by a space, if by anything; STARTTLS is the exception. */
export const runCommand = (connection: Connection, line: string): void | Promise<void> => {
  if (line === '') return connection.protocolError(500, 'Error: bad syntax')
  if (/^STARTTLS(?!\S)/i.test(line)) return starttls(connection, line.slice(9).trim())
  if (line.length < 4 || line.length === 5 || (line.length > 5 && line[4] !== ' ')) {
    return connection.protocolError(501, 'Bad command')
  }
  const verb = line.slice(0, 4).toUpperCase()
  if (!Object.hasOwn(commands, verb)) {
    return connection.protocolError(500, `Syntax errors, ${verb} command unrecognized`)
  }
  return commands[verb]?.(connection, line.slice(5))
}
