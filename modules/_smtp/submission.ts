import { randomUUID } from 'node:crypto'
import type { Header } from '../../core/index.ts'
import { SmtpError } from '../../core/index.ts'
import { toAscii } from '../../core/kit/address/index.ts'
import { formatDate, parseDate } from '../../core/kit/message/date.ts'
import { countMailboxes } from './mailboxes.ts'

/**
 * Makes the header of a submitted message complete (RFC 6409 §8): adds Message-ID and Date where they are missing. Throws
 * SmtpError for one that lacks its author, or whose addresses or date cannot be read. Nothing is taken away.
 */
export const completeHeader = (header: Header, hostname: string, now = new Date()): Header => {
  const added: string[] = []
  if (!header.get('Message-ID')) added.push(`Message-Id: <${randomUUID()}@${toAscii(hostname)}>\r\n`)
  checkAuthors(header)
  const date = header.get('Date')
  if (date && !parseDate(date)) throw SmtpError.permanent(554, '5.0.0', 'Malformed Date header')
  if (!date) added.push(`Date: ${formatDate(now, 'UTC', false)}\r\n`)
  return added.length > 0 ? header.prepend(...added) : header
}

const checkAuthors = (header: Header): void => {
  const from = header.get('From')
  const sender = header.get('Sender')
  if (!from) throw refusal('Message does not contains a From header field')
  if (sender && countMailboxes(sender) !== 1) throw invalid('Sender')
  for (const name of ['To', 'Cc', 'Bcc', 'Reply-To']) {
    const value = header.get(name)
    if (value && countMailboxes(value) === undefined) throw invalid(name)
  }
  const authors = countMailboxes(from)
  if (!authors) throw invalid('From')
  if (authors > 1 && !sender) throw refusal('Missing Sender header field')
}

const refusal = (text: string) => SmtpError.permanent(554, '5.6.0', text)

const invalid = (field: string) => refusal(`Invalid address in ${field}`)
