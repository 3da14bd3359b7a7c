import type { Field, Header } from './message.ts'
import { COLON, CR, decode, isBlank, LF, trim, view } from './octets.ts'

/** A header section that is none (RFC 5322 §2.2). `reason` is fit for a log, and quotes nothing of the message. */
export class HeaderError extends Error {
  override readonly name = 'HeaderError'
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

/**
 * The header section at the start of `bytes`, up to the first empty line or their end. Fields keep their bytes, which are
 * not copied; one without a name is dropped, and a last line without a line end gets one.
 * @throws HeaderError when the first line starts with white space, a line has no colon, or a name has a character that
 * names cannot have
 */
export function parseHeader(bytes: Uint8Array): Header {
  const section = sectionOf(bytes)
  const fields: RawField[] = []
  let nameless = false
  for (let at = 0; at < section.length; ) {
    const end = fieldEnd(section, at)
    if (isBlank(section[at])) throw new HeaderError('the first line of the header starts with white space')
    const colon = colonOf(section, at, end)
    if (colon < 0) throw new HeaderError('a line of the header has no colon')
    const nameEnd = trimmedEnd(section, at, colon)
    if (!isName(section, at, nameEnd)) throw new HeaderError('a field name has a character that names cannot have')
    if (nameEnd > at) fields.push(new RawField(section.subarray(at, end), nameEnd - at, colon - at))
    else nameless = true
    at = end
  }
  return new RawHeader(fields, nameless ? fields.map(({ raw }) => raw) : [section])
}

/**
 * As `parseHeader`, for messages that are stored already: what is no field is passed over, and stays in `bytes()`. Never
 * throws.
 */
export function lenientHeader(bytes: Uint8Array): Header {
  const section = sectionOf(bytes)
  const fields: RawField[] = []
  for (let at = 0; at < section.length; ) {
    const end = fieldEnd(section, at)
    const colon = colonOf(section, at, end)
    const nameEnd = colon < 0 ? at : trimmedEnd(section, at, colon)
    if (nameEnd > at && isName(section, at, nameEnd)) {
      fields.push(new RawField(section.subarray(at, end), nameEnd - at, colon - at))
    }
    at = end
  }
  return new RawHeader(fields, [section])
}

/**
 * Where the fields end and where the body starts: after the first empty line, CRLF or a bare LF, or at the end of data.
 * Offsets in bytes.
 */
export function splitMessage(bytes: Uint8Array): { readonly headerEnd: number; readonly bodyStart: number } {
  const message = view(bytes)
  if (message[0] === LF) return { headerEnd: 0, bodyStart: 1 }
  if (message[0] === CR && message[1] === LF) return { headerEnd: 0, bodyStart: 2 }
  const crlf = message.indexOf('\n\r\n')
  const head = crlf < 0 ? message : message.subarray(0, crlf + 1)
  const lf = head.indexOf('\n\n')
  if (lf >= 0) return { headerEnd: lf + 1, bodyStart: lf + 2 }
  if (crlf >= 0) return { headerEnd: crlf + 1, bodyStart: crlf + 3 }
  return { headerEnd: message.length, bodyStart: message.length }
}

/** One field, whose name and value are read when first asked for. */
class RawField implements Field {
  readonly raw: Buffer
  readonly name: string
  /** The name in lower case. */
  readonly key: string
  readonly #colon: number
  #value: string | undefined

  constructor(raw: Buffer, nameEnd: number, colon: number) {
    this.raw = raw
    this.name = raw.toString('latin1', 0, nameEnd)
    this.key = this.name.toLowerCase()
    this.#colon = colon
  }

  get value(): string {
    this.#value ??= unfold(decode(this.raw.subarray(this.#colon + 1)))
    return this.#value
  }
}

/** Fields over chunks of bytes, which a new field on top does not move. */
class RawHeader implements Header {
  readonly fields: readonly RawField[]
  readonly size: number
  #chunks: readonly Buffer[]

  constructor(fields: readonly RawField[], chunks: readonly Buffer[]) {
    this.fields = fields
    this.#chunks = chunks
    this.size = chunks.reduce((size, chunk) => size + chunk.length, 0)
  }

  get(name: string): string | undefined {
    const key = name.toLowerCase()
    return this.fields.find((field) => field.key === key)?.value
  }

  all(name: string): readonly string[] {
    const key = name.toLowerCase()
    return this.fields.filter((field) => field.key === key).map((field) => field.value)
  }

  /** @throws HeaderError when one of them is not exactly one field */
  prepend(...fields: readonly (string | Uint8Array)[]): Header {
    const added = fields.map(oneField)
    return new RawHeader([...added, ...this.fields], [...added.map(({ raw }) => raw), ...this.#chunks])
  }

  without(drop: (field: Field) => boolean): Header {
    const kept = this.fields.filter((field) => !drop(field))
    return kept.length === this.fields.length
      ? this
      : new RawHeader(
          kept,
          kept.map(({ raw }) => raw),
        )
  }

  bytes(): Uint8Array {
    const [only] = this.#chunks
    if (only && this.#chunks.length === 1) return only
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }
}

/** The lines before the empty one, each with its line end. */
function sectionOf(bytes: Uint8Array): Buffer {
  const section = view(bytes).subarray(0, splitMessage(bytes).headerEnd)
  const complete = section.length === 0 || section[section.length - 1] === LF
  return complete ? section : Buffer.concat([section, Buffer.from('\r\n')])
}

/** A field of our own, to be put on top of others. */
function oneField(field: string | Uint8Array): RawField {
  const bytes = typeof field === 'string' ? Buffer.from(field) : view(field)
  const colon = bytes.indexOf(COLON)
  const nameEnd = trimmedEnd(bytes, 0, Math.max(colon, 0))
  const complete = nameEnd > 0 && isName(bytes, 0, nameEnd) && bytes[bytes.length - 1] === LF
  if (!complete || fieldEnd(bytes, 0) !== bytes.length) throw new HeaderError('not one complete field')
  return new RawField(bytes, nameEnd, colon)
}

/** Where the field that starts at `at` ends: after the last line that goes on with white space. */
function fieldEnd(section: Buffer, at: number): number {
  let end = at
  do {
    const newline = section.indexOf(LF, end)
    if (newline < 0) return section.length
    end = newline + 1
  } while (isBlank(section[end]))
  return end
}

/** The colon of the field's first line, or -1. */
function colonOf(section: Buffer, at: number, end: number): number {
  for (let index = at; index < end; index++) {
    if (section[index] === COLON) return index
    if (section[index] === LF) return -1
  }
  return -1
}

function trimmedEnd(section: Buffer, at: number, end: number): number {
  let trimmed = end
  while (trimmed > at && isBlank(section[trimmed - 1])) trimmed--
  return trimmed
}

function isName(section: Buffer, at: number, end: number): boolean {
  for (let index = at; index < end; index++) {
    const octet = section[index] ?? 0
    if (octet < 33 || octet > 126) return false
  }
  return true
}

/** Lines joined with one space, whatever white space the fold had, as maddy keeps them. */
function unfold(text: string): string {
  if (text.indexOf('\n') === text.length - 1) return trim(text)
  return text
    .split('\n')
    .map(trim)
    .filter((line) => line !== '')
    .join(' ')
}
