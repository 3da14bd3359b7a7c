import { cachedName } from './cached_header.ts'
import type { CachedHeader, Envelope, EnvelopeAddress, Structure } from './structure.ts'

type Strings = Readonly<Record<string, string>>

/** As maddy and Go write it, with `At` at the end of each part. */
export function structureToJson(structure: Structure): string {
  return goJson(structure)
}

export function cachedHeaderToJson(header: CachedHeader): string {
  return goJson(header)
}

/**
 * Reads what `structureToJson`, maddy or another program wrote: unknown keys are passed over, and what is missing, null or
 * of another type counts as empty.
 * @throws SyntaxError when it is no JSON
 */
export function structureFromJson(json: string | Uint8Array): Structure {
  return structureFrom(objectOf(parse(json)) ?? {})
}

/** As above; names come out as they are written here, fields that are not cached are left out. @throws SyntaxError */
export function cachedHeaderFromJson(json: string | Uint8Array): CachedHeader {
  const header: Record<string, readonly string[]> = {}
  for (const [key, value] of Object.entries(objectOf(parse(json)) ?? {})) {
    const name = cachedName(key)
    const values = strings(value)
    if (name !== undefined && values && values.length > 0) header[name] = values
  }
  return header
}

/** JSON with the escapes of Go, which keep it harmless inside HTML, and whose strings are all valid. */
function goJson(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]|\\(?:\\|ud[89a-f][0-9a-f]{2})/g, goEscape)
}

/** Half a surrogate pair is what JSON.stringify escapes as such; an escaped backslash is met so that it hides nothing. */
function goEscape(match: string): string {
  if (match === '\\\\') return match
  return match.length > 1 ? '\\ufffd' : `\\u${match.charCodeAt(0).toString(16).padStart(4, '0')}`
}

function parse(json: string | Uint8Array): unknown {
  return JSON.parse(typeof json === 'string' ? json : Buffer.from(json).toString('utf8'))
}

function structureFrom(value: Record<string, unknown>): Structure {
  const envelope = objectOf(value.Envelope)
  const inner = objectOf(value.BodyStructure)
  const at = offsets(value.At)
  return {
    MIMEType: text(value.MIMEType) || 'text',
    MIMESubType: text(value.MIMESubType) || 'plain',
    Params: record(value.Params),
    Id: text(value.Id),
    Description: text(value.Description),
    Encoding: text(value.Encoding),
    Size: number(value.Size),
    Parts: list(value.Parts, (part) => structureFrom(objectOf(part) ?? {})),
    Envelope: envelope ? envelopeFrom(envelope) : null,
    BodyStructure: inner ? structureFrom(inner) : null,
    Lines: number(value.Lines),
    Extended: value.Extended === true,
    Disposition: text(value.Disposition),
    DispositionParams: record(value.DispositionParams),
    Language: strings(value.Language),
    Location: strings(value.Location),
    MD5: text(value.MD5),
    ...(at && { At: at }),
  }
}

function envelopeFrom(value: Record<string, unknown>): Envelope {
  return {
    Date: text(value.Date),
    Subject: text(value.Subject),
    From: list(value.From, addressFrom),
    Sender: list(value.Sender, addressFrom),
    ReplyTo: list(value.ReplyTo, addressFrom),
    To: list(value.To, addressFrom),
    Cc: list(value.Cc, addressFrom),
    Bcc: list(value.Bcc, addressFrom),
    InReplyTo: text(value.InReplyTo),
    MessageId: text(value.MessageId),
  }
}

function addressFrom(value: unknown): EnvelopeAddress {
  const address = objectOf(value) ?? {}
  return {
    PersonalName: text(address.PersonalName),
    AtDomainList: text(address.AtDomainList),
    MailboxName: text(address.MailboxName),
    HostName: text(address.HostName),
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0
}

function list<T>(value: unknown, read: (item: unknown) => T): T[] | null {
  return Array.isArray(value) ? value.map(read) : null
}

function strings(value: unknown): string[] | null {
  return list(value, text)
}

function record(value: unknown): Strings | null {
  const object = objectOf(value)
  if (!object) return null
  const names = Object.entries(object).filter(([name]) => name !== '__proto__')
  return Object.fromEntries(names.map(([name, content]) => [name, text(content)]))
}

function offsets(value: unknown): Structure['At'] {
  if (!Array.isArray(value) || value.length !== 3) return undefined
  const [header, body, end] = value.map(number)
  return header !== undefined && body !== undefined && end !== undefined && header <= body && body <= end
    ? [header, body, end]
    : undefined
}
