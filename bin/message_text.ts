import { envelopeOf, type ImapEnvelope } from '../core/kit/message/envelope.ts'
import { decodeHeaderValue } from '../core/kit/message/words.ts'
import type { StoredMessage } from '../core/mail/storage.ts'

type People = ImapEnvelope['from']

/** Two lines for a message, and an empty one. */
export const describeShortly = (message: StoredMessage): string => {
  const { from, subject } = envelopeOf(message.header ?? {})
  const title = `UID ${message.uid}: ${people(from)} - ${text(subject)}`
  return `${title}\n  ${flags(message)}, ${time(message.internalDate)}\n\n`
}

/** Everything known of a message without opening it; `number` is its sequence number. */
export const describeFully = (message: StoredMessage, number: number): string => {
  const envelope = envelopeOf(message.header ?? {})
  const lines: (readonly [string, string])[] = [
    ['From', people(envelope.from)],
    ['To', people(envelope.to)],
    ['CC', people(envelope.cc)],
    ['BCC', people(envelope.bcc)],
    ['In-Reply-To', text(envelope.inReplyTo)],
    ['Message-Id', text(envelope.messageId)],
    ['Date', text(envelope.date)],
    ['Subject', text(envelope.subject)],
  ]
  return [
    '- Server meta-data:',
    `UID: ${message.uid}`,
    `Sequence number: ${number}`,
    `Flags: ${flags(message)}`,
    `Body size: ${message.size}`,
    `Internal date: ${Math.floor(message.internalDate / 1000)} ${time(message.internalDate)}`,
    '- Envelope:',
    ...lines.filter(([, value]) => value !== '').map(([name, value]) => `${name}: ${value}`),
    '\n',
  ].join('\n')
}

const flags = (message: StoredMessage): string => `[${message.flags.join(' ')}]`

const time = (milliseconds: number): string =>
  `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`

const people = (entries: People): string =>
  (entries ?? [])
    .filter(({ host }) => host !== null)
    .map(({ name, mailbox, host }) => `${name ? `${text(name)} ` : ''}<${visible(`${mailbox}@${host}`)}>`)
    .join(', ')

const text = (raw: string | null | undefined): string => visible(decodeHeaderValue(raw ?? ''))

/** A stranger's text is shown, but does not command the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
const visible = (written: string): string => written.replace(/[\x00-\x1f\x7f-\x9f]/g, '\ufffd')
