import type { OutgoingHttpHeaders } from 'node:http'
import type { Address, Envelope } from '../../../core/index.ts'
import { formatAddress } from '../../../core/kit/address/index.ts'

/** What is the same for every message. Empty ones are not sent. */
export interface Sender {
  readonly tag: string
  readonly settingsId: string
  readonly hostname: string
}

/** What rspamd is told of a message besides its content, in the names of its protocol. */
export const requestHeaders = (
  { tag, settingsId, hostname }: Sender,
  { id, origin }: Envelope,
  from: Address | null,
  recipients: readonly Address[],
): OutgoingHttpHeaders => {
  const { peer, helo, rdns, user, tls } = origin
  const known = {
    'MTA-Tag': tag,
    'Settings-ID': settingsId,
    'MTA-Name': hostname,
    'Queue-ID': id,
    User: user,
    IP: peer?.ip,
    Helo: helo,
    Hostname: rdns,
    'TLS-Cipher': tls?.cipher,
    'TLS-Version': tls && numberOf(tls.version),
  }
  const headers: OutgoingHttpHeaders = {
    Pass: 'all',
    'User-Agent': 'maddy',
    From: from ? octets(formatAddress(from)) : '',
  }
  for (const [name, value] of Object.entries(known)) if (value) headers[name] = octets(value)
  if (recipients.length > 0) headers.Rcpt = firstOf(recipients)
  return headers
}

/** Of all recipients together, in octets: rspamd takes 80 KB of headers, and hangs up on whoever sends more. */
const longestRecipients = 16 * 1024

/** As many recipients as can be told. A client that names thousands is not to get around the check by that. */
const firstOf = (recipients: readonly Address[]): string[] => {
  const told: string[] = []
  let size = 0
  for (const recipient of recipients) {
    const written = octets(formatAddress(recipient))
    size += 'Rcpt: \r\n'.length + written.length
    if (size > longestRecipients) break
    told.push(written)
  }
  return told
}

/** `1.0` to `1.3`. */
const numberOf = (version: string): string => (version === 'TLSv1' ? '1.0' : version.replace('TLSv', ''))

/** UTF-8, a character for each octet, as headers are written; without what would end one. */
const octets = (value: string): string => Buffer.from(value.replaceAll(/\p{Cc}/gu, '?')).toString('latin1')
