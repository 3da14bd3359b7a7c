import { SmtpError } from '../error.ts'
import type { Connection } from './connection.ts'
import { Content } from './content.ts'
import type { Path } from './path.ts'
import { afterwards } from './reply.ts'

/** From an accepted MAIL to the end of its content, or RSET. */
export interface Transaction {
  /** Those accepted, in the order of RCPT. */
  readonly recipients: Path[]
  /** Once DATA or the first BDAT has come. */
  incoming: Incoming | undefined
}

export interface Incoming {
  readonly content: Content
  readonly result: Promise<readonly (SmtpError | undefined)[]>
}

/** Lets the receiver read the content that is about to come. `maxLine` counts octets without CRLF. */
export const beginContent = (connection: Connection, transaction: Transaction, maxLine: number): Incoming => {
  const { maxMessageSize, bareNewlines } = connection.options
  const content = new Content({ maxSize: maxMessageSize, maxLine, bareNewlines })
  const result = connection.receiver.data(content)
  const incoming = { content, result }
  transaction.incoming = incoming
  const discard = () => content.discard() // what was not read
  result.then(discard, discard)
  return incoming
}

/** All of the content is in: waits for what became of it, and tells the client; over LMTP for each recipient. */
export const concludeContent = async (connection: Connection, { content, result }: Incoming): Promise<void> => {
  const recipients = connection.transaction?.recipients ?? []
  try {
    const outcomes = await result
    if (connection.options.protocol === 'smtp') connection.reply(250, '2.0.0', 'OK: queued')
    else recipients.forEach((path, index) => void replyFor(connection, path, outcomes[index]))
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error
    refuseContent(connection, recipients, error)
  } finally {
    connection.transaction = undefined
  }
  if (content.lineTooLong) connection.hangUp()
}

/** Says that a content is refused: once, over LMTP for each recipient (RFC 2033 §4.2). */
export const refuseContent = (connection: Connection, recipients: readonly Path[], error: SmtpError): void => {
  if (connection.options.protocol === 'smtp') connection.reply(error.code, error.enhanced, error.message)
  else for (const path of recipients) replyFor(connection, path, error)
}

const replyFor = (connection: Connection, { text }: Path, error: SmtpError | undefined): void => {
  if (error) connection.reply(error.code, error.enhanced, `<${text}> ${error.message}`)
  else connection.reply(250, '2.0.0', `<${text}> OK: queued`)
}

/** Ends the transaction, if there is one, here and in the receiver. */
export const reset = (connection: Connection): void | Promise<void> =>
  afterwards(abandon(connection), () => connection.receiver.reset())

/** Gives up the transaction on this side; the receiver's work on the content ends first. */
export const abandon = (connection: Connection): void | Promise<void> => {
  const incoming = connection.transaction?.incoming
  connection.transaction = undefined
  connection.utf8 = false
  if (!incoming) return
  incoming.content.fail(SmtpError.temporary(451, '4.0.0', 'Transaction aborted'))
  const settled = () => {}
  return incoming.result.then(settled, settled)
}
