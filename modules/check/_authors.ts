import type { Header } from '../../core/index.ts'
import { SmtpError } from '../../core/index.ts'
import { parseAddressList } from '../../core/kit/message/index.ts'

/** Whom a header names as author, and as sender where it has one; or what is wrong with these fields. */
export const authorsOf = (header: Header): { readonly from: string; readonly sender?: string } | SmtpError => {
  const [field = '', another] = header.all('From')
  if (field === '') return malformed('Missing From header')
  const [from, coauthor] = addressesOf(field)
  if (from === undefined) return malformed('Malformed From header')
  // A second field would be what some programs show.
  if (coauthor !== undefined || another !== undefined) return malformed('Multiple From addresses are not allowed')
  const senders = header.all('Sender').filter((value) => value !== '')
  if (senders.length === 0) return { from }
  const [sender, other] = senders.flatMap(addressesOf)
  if (sender === undefined || other !== undefined) return malformed('Malformed Sender header')
  return { from, sender }
}

/** The addresses of a field; none when it cannot be read. */
const addressesOf = (field: string): readonly string[] =>
  (parseAddressList(field)?.addresses ?? []).map(({ mailbox, host }) => `${mailbox}@${host}`)

const malformed = (text: string) => SmtpError.permanent(550, '5.7.0', text, { check: 'authorize_sender' })
