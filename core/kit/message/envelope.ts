import { type AddressEntry, parseAddresses } from './address_entries.ts'
import { formatDate, parseDate } from './date.ts'
import type { CachedHeader, Envelope, EnvelopeAddress } from './structure.ts'

/**
 * An envelope as IMAP has it (RFC 9051 §7.5.2): null is NIL. Texts are as the header has them, encoded words too. Sender and
 * Reply-To are those of From where they are missing.
 */
export interface ImapEnvelope {
  readonly date: string | null
  readonly subject: string | null
  readonly from: readonly AddressEntry[] | null
  readonly sender: readonly AddressEntry[] | null
  readonly replyTo: readonly AddressEntry[] | null
  readonly to: readonly AddressEntry[] | null
  readonly cc: readonly AddressEntry[] | null
  readonly bcc: readonly AddressEntry[] | null
  readonly inReplyTo: string | null
  readonly messageId: string | null
}

/** The envelope of a message, from the fields that are cached of it. */
export function envelopeOf(header: CachedHeader): ImapEnvelope {
  const first = (name: string) => header[name]?.[0] ?? null
  const from = addresses(header, 'From')
  return {
    date: first('Date'),
    subject: first('Subject'),
    from,
    sender: addresses(header, 'Sender') ?? from,
    replyTo: addresses(header, 'Reply-To') ?? from,
    to: addresses(header, 'To'),
    cc: addresses(header, 'Cc'),
    bcc: addresses(header, 'Bcc'),
    inReplyTo: first('In-Reply-To'),
    messageId: first('Message-Id'),
  }
}

/** The envelope of an attached message as maddy stores it. */
export function storedEnvelope(header: CachedHeader): Envelope {
  const envelope = envelopeOf(header)
  return {
    Date: rfc3339(envelope.date),
    Subject: envelope.subject ?? '',
    From: stored(envelope.from),
    Sender: stored(envelope.sender),
    ReplyTo: stored(envelope.replyTo),
    To: stored(envelope.to),
    Cc: stored(envelope.cc),
    Bcc: stored(envelope.bcc),
    InReplyTo: envelope.inReplyTo ?? '',
    MessageId: envelope.messageId ?? '',
  }
}

/**
 * A stored envelope as IMAP has it. The date is written anew, and NIL when it is unknown; what maddy stored decoded comes
 * out as Unicode.
 */
export function envelopeOfStored(envelope: Envelope): ImapEnvelope {
  return {
    date: rfc5322(envelope.Date),
    subject: envelope.Subject || null,
    from: restored(envelope.From),
    sender: restored(envelope.Sender),
    replyTo: restored(envelope.ReplyTo),
    to: restored(envelope.To),
    cc: restored(envelope.Cc),
    bcc: restored(envelope.Bcc),
    inReplyTo: envelope.InReplyTo || null,
    messageId: envelope.MessageId || null,
  }
}

/** Repeated fields are read as one. */
function addresses(header: CachedHeader, name: string): readonly AddressEntry[] | null {
  const entries = parseAddresses(header[name]?.join(', ') ?? '')
  return entries.length > 0 ? entries : null
}

function stored(entries: readonly AddressEntry[] | null): EnvelopeAddress[] | null {
  return (
    entries?.map(({ name, route, mailbox, host }) => ({
      PersonalName: name ?? '',
      AtDomainList: route ?? '',
      MailboxName: mailbox ?? '',
      HostName: host ?? '',
    })) ?? null
  )
}

/** Stored strings tell no NIL from an empty one: a group starts with the nearest address without a host before its end. */
function restored(list: readonly EnvelopeAddress[] | null): AddressEntry[] | null {
  if (!list || list.length === 0) return null
  const entries: AddressEntry[] = []
  let awaitsStart = false
  for (const address of list.toReversed()) {
    const end = isGroupEnd(address)
    const start: boolean = !end && awaitsStart && address.HostName === ''
    awaitsStart = end || (awaitsStart && !start)
    entries.push({
      name: address.PersonalName || null,
      route: address.AtDomainList || null,
      mailbox: end ? null : address.MailboxName,
      host: start || end ? null : address.HostName,
    })
  }
  return entries.reverse()
}

function isGroupEnd({ PersonalName, MailboxName, HostName }: EnvelopeAddress): boolean {
  return PersonalName === '' && MailboxName === '' && HostName === ''
}

const unknownDate = '0001-01-01T00:00:00Z'

/** RFC 3339 in the zone it was written in, as Go writes a time. */
function rfc3339(date: string | null): string {
  const { ms, zoneMinutes } = (date !== null && parseDate(date)) || { ms: Number.NaN, zoneMinutes: 0 }
  const there = new Date(ms + zoneMinutes * 60_000)
  const year = there.getUTCFullYear()
  if (Number.isNaN(year) || year < 1 || year > 9999) return unknownDate
  const east = Math.abs(zoneMinutes)
  const shift = `${zoneMinutes < 0 ? '-' : '+'}${two(Math.floor(east / 60))}:${two(east % 60)}`
  return there.toISOString().slice(0, 19) + (zoneMinutes === 0 ? 'Z' : shift)
}

function rfc5322(date: string): string | null {
  const time = new Date(date)
  if (date === unknownDate || Number.isNaN(time.getTime())) return null
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(date) ?? []
  const zoneMinutes = (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0))
  return formatDate(time, zoneMinutes)
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
