import { validDomain } from '../address/domain.ts'
import { type Mailbox, parseAddressList } from '../message/address_list.ts'
import type { Header } from '../message/message.ts'

/** The domains of a message's authors as written, or why there are none that could be asked about. */
export type Authors = { readonly domains: readonly string[] } | { readonly problem: string }

/** Reads the From field (RFC 9989 §5.3.1). A field that mail programs could each read in their own way names nobody. */
export const authorsOf = (header: Header): Authors => {
  const [field, second] = header.all('From')
  if (field === undefined) return { problem: 'missing From header field' }
  if (second !== undefined) return { problem: 'multiple From header fields are not allowed' }
  const list = parseAddressList(field)
  if (!list) return { problem: field === '' ? 'missing address in From field' : 'malformed From header field' }
  const domains = list.addresses.map(({ host }: Mailbox) => host.trim())
  if (domains.length === 0) return { problem: 'missing address in From field' }
  return domains.every(validDomain) ? { domains } : { problem: 'malformed From header field' }
}
