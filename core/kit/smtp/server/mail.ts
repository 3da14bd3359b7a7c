import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { checkRecipientParameters, mailParameters } from './parameters.ts'
import { parsePath } from './path.ts'
import { afterwards, badSequence, notGreeted } from './reply.ts'

/** MAIL (RFC 5321 §4.1.1.2). One that comes without RSET begins anew. */
export const mail = (connection: Connection, argument: string): void | Promise<void> => {
  const { options, receiver } = connection
  if (!connection.greeted) throw notGreeted()
  if (connection.transaction?.incoming) throw badSequence('MAIL not allowed during message transfer')
  if (options.authRequired && !connection.authenticated) {
    throw SmtpError.permanent(502, '5.7.0', 'Please authenticate first')
  }
  const parsed = /^FROM:/i.test(argument) ? parsePath(argument.slice(5)) : undefined
  if (!parsed) throw SmtpError.permanent(501, '5.5.2', 'Was expecting MAIL arg syntax of FROM:<address>')
  const parameters = mailParameters(parsed.rest, options.maxMessageSize)
  connection.transaction = undefined
  connection.utf8 = parameters.smtputf8
  return afterwards(receiver.mail(parsed.path, parameters), () => {
    connection.transaction = { recipients: [], incoming: undefined }
    connection.reply(250, '2.0.0', `Roger, accepting mail from <${parsed.path?.text ?? ''}>`)
  })
}

/** RCPT (RFC 5321 §4.1.1.3). */
export const rcpt = (connection: Connection, argument: string): void | Promise<void> => {
  const { options, receiver, transaction } = connection
  if (!transaction) throw badSequence('Missing MAIL FROM command.')
  if (transaction.incoming) throw badSequence('RCPT not allowed during message transfer')
  const { path, rest } = (/^TO:/i.test(argument) && parsePath(argument.slice(3))) || { path: null, rest: '' }
  if (!path) throw SmtpError.permanent(501, '5.5.2', 'Was expecting RCPT arg syntax of TO:<address>')
  checkRecipientParameters(rest)
  if (options.maxRecipients > 0 && transaction.recipients.length >= options.maxRecipients) {
    throw SmtpError.temporary(452, '4.5.3', `Maximum limit of ${options.maxRecipients} recipients reached`)
  }
  return afterwards(receiver.recipient(path), () => {
    transaction.recipients.push(path)
    connection.reply(250, '2.0.0', `I'll make sure <${path.text}> gets this`)
  })
}
