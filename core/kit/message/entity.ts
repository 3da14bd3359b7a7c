import type { Header } from './message.ts'
import { parseMediaType } from './parameters.ts'

/** Content-Type as it counts; `params` is null when the field is missing or makes no sense. */
export interface Media {
  readonly type: string
  readonly subtype: string
  readonly params: Readonly<Record<string, string>> | null
}

/** RFC 2045 §5.2, also for what cannot be read. */
export const plainText: Media = { type: 'text', subtype: 'plain', params: null }

const rfc822: Media = { type: 'message', subtype: 'rfc822', params: null }

/** A message or a part of one while it is being scanned. Offsets are in bytes from the start of the content. */
export interface Entity {
  readonly start: number
  /** A part of multipart/digest, which is a message if it does not say otherwise (RFC 2046 §5.1.5). */
  readonly inDigest: boolean
  header: Header
  media: Media
  body: number
  end: number
  lines: number
  /** Line ends before the body, while the lines of this body are counted. */
  countedFrom: number | undefined
  /** Between the parts of a multipart, without the dashes; empty for others. */
  boundary: string
  /** Another multipart further out with the same boundary. */
  shadowed: Entity | undefined
  readonly parts: Entity[]
  /** What a message/rfc822 holds. */
  message: Entity | undefined
}

export function newEntity(start: number, inDigest: boolean, header: Header): Entity {
  const none = { shadowed: undefined, message: undefined, countedFrom: undefined }
  return {
    start,
    inDigest,
    header,
    media: plainText,
    body: start,
    end: start,
    lines: 0,
    boundary: '',
    parts: [],
    ...none,
  }
}

/** What the header of an entity says it is. */
export function mediaOf({ header, inDigest }: Entity): Media {
  const written = header.get('content-type')
  if (written === undefined) return inDigest ? rfc822 : plainText
  return parseMediaType(written) ?? plainText
}

/** A message whose octets are there to be read (RFC 2046 §5.2.1 allows no other, which does not keep others away). */
export function isReadableMessage({ header, media }: Entity): boolean {
  if (media.type !== 'message' || media.subtype !== 'rfc822') return false
  return !/^(?:base64|quoted-printable|x-|uu)/i.test(header.get('content-transfer-encoding') ?? '')
}
