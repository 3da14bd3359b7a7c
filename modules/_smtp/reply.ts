import { SmtpError } from '../../core/index.ts'
import { HeaderError } from '../../core/kit/message/header.ts'
import { HeaderTooBig } from '../../core/kit/message/read.ts'

/**
 * What a client hears of a failure within a transaction: an SmtpError with the message's ID, by which an administrator finds
 * it in the log. What nobody foresaw is ours, and worth another try.
 */
export const failureOf = (error: unknown, id: string): SmtpError => {
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return SmtpError.temporary(451, '4.4.5', 'High load, try again later', { cause: error })
  }
  const { code, enhanced, message, cause, fields } = SmtpError.from(ofContent(error))
  return SmtpError.given(code, enhanced, `${message} (msg ID = ${id})`, {
    ...fields,
    ...(cause !== undefined && { cause }),
  })
}

/** What is wrong with a message is the client's own doing. */
const ofContent = (error: unknown): unknown => {
  if (error instanceof HeaderError) {
    return SmtpError.permanent(554, '5.0.0', 'Message header is malformed', { cause: error })
  }
  if (error instanceof HeaderTooBig) {
    return SmtpError.permanent(552, '5.3.4', 'Message header size exceeds limit', { cause: error })
  }
  return error
}
