import { cachedHeaderOf } from './cached_header.ts'
import type { Entity } from './entity.ts'
import { storedEnvelope } from './envelope.ts'
import type { Body, Header } from './message.ts'
import { view } from './octets.ts'
import { parseParameters } from './parameters.ts'
import { Scanner } from './scanner.ts'
import type { CachedHeader, Structure } from './structure.ts'

export { type PartContent, partContent } from './section.ts'

/** What is kept of a message beside its bytes. */
export interface Description {
  /** Of the first MiB of the header. */
  readonly header: Header
  /** Where the body starts, in bytes from the start of the content. */
  readonly bodyOffset: number
  readonly cachedHeader: CachedHeader
  readonly structure: Structure
}

/**
 * Describes a whole message, header and body, reading it once. No message is wrong: what is no MIME is described as text,
 * or as an opaque part. Throws only what reading the content throws.
 */
export async function describeContent(content: Body): Promise<Description> {
  if (content.memory) return describeBytes(content.memory)
  const scanner = new Scanner()
  for await (const chunk of content.read()) scanner.push(view(chunk), false)
  scanner.push(Buffer.alloc(0), true)
  return describe(scanner.root)
}

/** As `describeContent`, for a message in memory. */
export function describeBytes(content: Uint8Array): Description {
  const scanner = new Scanner()
  scanner.push(view(content), true)
  return describe(scanner.root)
}

/** The structure once its message has `by` more bytes on top, of further fields: they belong to the message's own header. */
export function shiftStructure(structure: Structure, by: number): Structure {
  const moved = moveParts(structure, by)
  if (!structure.At) return moved
  const [header, body, end] = structure.At
  return { ...moved, At: [header, body + by, end + by] }
}

function moveParts(structure: Structure, by: number): Structure {
  const { Parts, BodyStructure } = structure
  return {
    ...structure,
    Parts: Parts?.map((part) => move(part, by)) ?? null,
    BodyStructure: BodyStructure && move(BodyStructure, by),
  }
}

function move(part: Structure, by: number): Structure {
  const moved = moveParts(part, by)
  return part.At ? { ...moved, At: [part.At[0] + by, part.At[1] + by, part.At[2] + by] } : moved
}

function describe(root: Entity): Description {
  const { header, body: bodyOffset } = root
  return { header, bodyOffset, cachedHeader: cachedHeaderOf(header), structure: structureOf(root) }
}

function structureOf(entity: Entity): Structure {
  const { header, media, message, body, end } = entity
  const multipart = media.type === 'multipart'
  const disposition = header.get('content-disposition')
  const { value, params } = disposition === undefined ? { value: '', params: null } : parseParameters(disposition)
  const location = header.get('content-location')
  return {
    MIMEType: media.type,
    MIMESubType: media.subtype,
    Params: media.params,
    Id: header.get('content-id') ?? '',
    Description: header.get('content-description') ?? '',
    Encoding: header.get('content-transfer-encoding') ?? '',
    Size: multipart ? 0 : end - body,
    Parts: multipart ? partsOf(entity) : null,
    Envelope: message ? storedEnvelope(cachedHeaderOf(message.header)) : null,
    BodyStructure: message ? structureOf(message) : null,
    Lines: media.type === 'text' || (media.type === 'message' && media.subtype === 'rfc822') ? entity.lines : 0,
    Extended: true,
    Disposition: value,
    DispositionParams: params,
    Language: languages(header.get('content-language')),
    Location: location ? [location] : null,
    MD5: header.get('content-md5') ?? '',
    At: [entity.start, body, end],
  }
}

function partsOf(entity: Entity): Structure[] {
  return entity.parts.length > 0 ? entity.parts.map(structureOf) : [undelimited(entity)]
}

/** IMAP knows no multipart without parts: one in which no delimiter was found has its whole body for a part. */
function undelimited({ body, end, lines }: Entity): Structure {
  return {
    MIMEType: 'text',
    MIMESubType: 'plain',
    Params: null,
    Id: '',
    Description: '',
    Encoding: '',
    Size: end - body,
    Parts: null,
    Envelope: null,
    BodyStructure: null,
    Lines: lines,
    Extended: true,
    Disposition: '',
    DispositionParams: null,
    Language: null,
    Location: null,
    MD5: '',
    At: [body, body, end],
  }
}

/** The tags of Content-Language (RFC 3282). */
function languages(written: string | undefined): string[] | null {
  const tags = (written ?? '').split(',').map((tag) => tag.trim())
  const named = tags.filter((tag) => tag !== '')
  return named.length > 0 ? named : null
}
