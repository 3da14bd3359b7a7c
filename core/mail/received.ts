import { formatAddress, isAscii, quoteLocal, splitAddress, toAscii, toUnicode } from '../kit/address/index.ts'
import { formatDate } from '../kit/message/date.ts'
import { foldField } from '../kit/message/fold.ts'
import type { Envelope } from '../kit/smtp/envelope.ts'

export interface ReceivedOptions {
  /** Tells nothing of the client, as for mail that a user submits. */
  readonly hideClient?: boolean
  readonly now?: Date
}

/**
 * The trace field of a message that this server takes in (RFC 5321 §4.4), folded, with its CRLF. Parts that cannot be told,
 * or not be written in ASCII where they have to be, are left out. There is no `for`: it would tell of Bcc.
 */
export const receivedField = (envelope: Envelope, hostname: string, options: ReceivedOptions = {}): string => {
  const { smtputf8, origin, id } = envelope
  const { hideClient = false, now = new Date() } = options
  const protocol = origin.protocol ?? 'local'
  const parts = [
    ...(hideClient ? [] : client(envelope)),
    `by ${domain(hostname, smtputf8) ?? hostname}`,
    ...sender(envelope),
    `with ${smtputf8 ? 'UTF8' : ''}${protocol}`,
    `id ${id}; ${formatDate(now)}`,
  ]
  return foldField('Received', parts.join(' '))
}

const client = ({ origin, smtputf8 }: Envelope): string[] => {
  const name = domain(origin.helo, smtputf8)
  const from = name === undefined ? [] : [`from ${name}`]
  if (!origin.peer) return from
  // A name from the DNS is the work of whoever owns the address.
  const rdns = origin.rdns && /^[\w.-]+$/.test(origin.rdns) ? `${origin.rdns} ` : ''
  return [...from, `(${rdns}[${origin.peer.ip}])`]
}

const sender = ({ originalReversePath, smtputf8 }: Envelope): string[] => {
  try {
    const { local, domain: written } = splitAddress(originalReversePath)
    const address = formatAddress({ local: quoteLocal(local), domain: domain(written, smtputf8) ?? '' })
    if (!address.includes('@') || (!smtputf8 && !isAscii(address)) || !printable(address)) return []
    if (address.length > longestAddress) return []
    // It stands in a comment, where quotes mean nothing and a parenthesis would end it.
    return [`(envelope-sender <${address.replace(/[()\\]/g, '\\$&')}>)`]
  } catch {
    return []
  }
}

/** RFC 5321 §4.5.3.1; a stranger may send more than a line of a header can hold. */
const longestName = 255
const longestAddress = 320

/** With A-labels, or U-labels where SMTPUTF8 allows them. */
const domain = (name: string, smtputf8: boolean): string | undefined => {
  try {
    const label = smtputf8 ? toUnicode(name) : toAscii(name)
    return label !== '' && label.length <= longestName && printable(label) && !/[\s()<>@,;\\"]/.test(label)
      ? label
      : undefined
  } catch {
    return undefined
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const printable = (text: string): boolean => !/[\0-\x1f\x7f-\x9f]/.test(text)
