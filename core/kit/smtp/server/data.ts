import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { Content, tooBig } from './content.ts'
import { badSequence } from './reply.ts'
import { beginContent, concludeContent, refuseContent, reset } from './transaction.ts'

/** DATA (RFC 5321 §4.1.1.4). */
export const data = (connection: Connection, argument: string): void => {
  const { parser, transaction, options } = connection
  if (transaction?.incoming) throw badSequence('DATA not allowed during message transfer')
  if (argument.trim() !== '') throw SmtpError.permanent(501, '5.5.4', 'DATA command should not have any arguments')
  if (!transaction?.recipients.length) throw badSequence('Missing RCPT TO command.')
  const incoming = beginContent(connection, transaction, options.maxLineLength - 1)
  connection.reply(354, '', 'Go ahead. End your data with <CR><LF>.<CR><LF>')
  parser.receiveData(incoming.content, () => {
    connection.work(
      () => concludeContent(connection, incoming),
      () => parser.continue(),
    )
  })
}

/**
 * BDAT (RFC 3030 §2). The octets that follow are read whatever the reply is going to be, for they are no commands; only
 * where it cannot be told how many they are, nothing else is left.
 */
export const bdat = (connection: Connection, argument: string): void | Promise<void> => {
  const [written = '', word, ...more] = argument.trim().split(/ +/)
  const size = /^\d{1,15}$/.test(written) ? Number(written) : undefined
  if (size === undefined) {
    throw SmtpError.permanent(501, '5.5.4', written === '' ? 'Missing chunk size argument' : 'Malformed size argument')
  }
  const last = word?.toUpperCase() === 'LAST'
  const { transaction } = connection
  const refusal = refusalOf(connection, size, last || word === undefined, more.length > 0)
  if (refusal || !transaction) return take(connection, discarding(), size, () => refuse(connection, last, refusal))
  const incoming = transaction.incoming ?? beginContent(connection, transaction, Number.POSITIVE_INFINITY)
  return take(connection, incoming.content, size, () => {
    if (!last) return connection.reply(250, '2.0.0', 'Continue')
    incoming.content.end()
    return concludeContent(connection, incoming)
  })
}

const refusalOf = (connection: Connection, size: number, known: boolean, tooMany: boolean): SmtpError | undefined => {
  const { transaction, options } = connection
  if (tooMany) return SmtpError.permanent(501, '5.5.4', 'Too many arguments')
  if (!known) return SmtpError.permanent(501, '5.5.4', 'Unknown BDAT argument')
  if (!transaction?.recipients.length) return badSequence('Missing RCPT TO command.')
  const total = (transaction.incoming?.content.size ?? 0) + size
  if (options.maxMessageSize > 0 && total > options.maxMessageSize) return tooBig()
  return undefined
}

/** A chunk too many ends the transaction; a command that was merely wrong does not. */
const refuse = async (connection: Connection, last: boolean, refusal = badSequence('Missing RCPT TO command.')) => {
  const recipients = connection.transaction?.recipients ?? []
  if (refusal.code === 552) await reset(connection)
  if (last && refusal.code === 552) refuseContent(connection, recipients, refusal)
  else throw refusal
}

/** Reads `size` octets, and then does what is to be done. */
const take = (
  connection: Connection,
  content: Content,
  size: number,
  then: () => void | Promise<void>,
): void | Promise<void> => {
  if (size === 0) return then()
  const { parser } = connection
  parser.receiveChunk(content, size, () => connection.work(then, () => parser.continue()))
}

const discarding = (): Content => {
  const content = new Content({ maxSize: 0, maxLine: Number.POSITIVE_INFINITY, bareNewlines: 'normalize' })
  content.discard()
  return content
}
