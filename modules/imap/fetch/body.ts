import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import type { Output } from '../../../core/kit/imap/output.ts'
import { bytesOf } from '../../../core/kit/message/body.ts'
import { cachedName } from '../../../core/kit/message/cached_header.ts'
import { partContent } from '../../../core/kit/message/content.ts'
import { lenientHeader } from '../../../core/kit/message/header.ts'
import type { Body } from '../../../core/kit/message/message.ts'
import type { CachedHeader, Structure } from '../../../core/kit/message/structure.ts'
import { writeLiteral } from './literal.ts'
import type { FetchAttribute, FetchedMessage, FetchNeeds } from './message.ts'
import { formatSection, type Partial, readPartial, readSection, type Section } from './section.ts'

/** So much of a header is looked at, in bytes, where nothing tells how long it is. */
const maxHeader = 1024 * 1024

const whole: Section = { path: [], text: '', fields: [] }

/** `BODY[…]<…>`, and `BODY.PEEK` with it, of which the name has been read. */
export function readBody(args: Arguments, peek: boolean): FetchAttribute {
  const section = readSection(args)
  const partial = readPartial(args)
  return bodyAttribute(`BODY${formatSection(section)}`, section, partial, peek)
}

/** The three items of IMAP2 that are sections under another name. */
export const rfc822 = bodyAttribute('RFC822', whole, undefined, false)
export const rfc822Header = bodyAttribute('RFC822.HEADER', { ...whole, text: 'HEADER' }, undefined, true)
export const rfc822Text = bodyAttribute('RFC822.TEXT', { ...whole, text: 'TEXT' }, undefined, false)

function bodyAttribute(name: string, section: Section, partial: Partial | undefined, peek: boolean): FetchAttribute {
  const shown = partial ? `${name}<${partial.origin}>` : name
  const cached = cachedFields(section)
  return {
    needs: cached ? { header: true } : needsOf(section),
    ...(cached && { needsContentOf: ({ header = {} }) => !isAscii(header, cached) }),
    marksSeen: !peek,
    async write(message, out) {
      out.text(`${shown} `)
      const found = cached ? bytes(await keptFields(message, section, cached)) : await locate(message, section)
      await writeSlice(found, partial, out)
    },
  }
}

function needsOf({ path, text }: Section): FetchNeeds {
  return path.length === 0 && text === '' ? { content: true } : { content: true, structure: true }
}

/** The octets of a section: a stretch of a body. */
interface Slice {
  readonly body: Body
  readonly start: number
  readonly end: number
}

/** The section of a message; undefined when it has no such part. */
async function locate({ content, structure }: FetchedMessage, section: Section): Promise<Slice | undefined> {
  const { path, text } = section
  if (path.length === 0 && text === '') return { body: content, start: 0, end: content.size }
  const found = partContent(structure, path)
  const owner: Structure | null | undefined = text === '' || text === 'MIME' ? found?.part : found?.message
  const [header, start, end] = owner?.At ?? []
  if (header === undefined || start === undefined || end === undefined) return undefined
  if (text === '' || text === 'TEXT') return { body: content, start, end }
  if (text === 'HEADER' || text === 'MIME') return { body: content, start: header, end: start }
  return bytes(pickFields(await bytesOf(content, header, start - header), section))
}

function bytes(memory: Uint8Array): Slice {
  const body: Body = {
    size: memory.length,
    memory,
    async *read(start = 0, length = memory.length) {
      yield memory.subarray(start, start + length)
    },
  }
  return { body, start: 0, end: memory.length }
}

/** The fields with these names, or all others, and the empty line (RFC 9051 §6.4.5.1). */
function pickFields(header: Uint8Array, { text, fields }: Section): Uint8Array {
  const names = new Set(fields.map((name) => name.toLowerCase()))
  const wanted = text === 'HEADER.FIELDS'
  const picked = lenientHeader(header).fields.filter(({ name }) => names.has(name.toLowerCase()) === wanted)
  return Buffer.concat([...picked.map(({ raw }) => raw), Buffer.from('\r\n')])
}

/** The names under which all wanted fields are kept beside the message; undefined when the message has to be opened. */
function cachedFields({ path, text, fields }: Section): readonly string[] | undefined {
  if (path.length > 0 || text !== 'HEADER.FIELDS') return undefined
  const names = fields.map(cachedName)
  return names.every((name) => name !== undefined) ? [...new Set(names)] : undefined
}

/** What is kept is text: of octets beyond ASCII it does not tell how they were written, so that they are looked up. */
const isAscii = (header: CachedHeader, names: readonly string[]): boolean =>
  names.every((name) => (header[name] ?? []).every((value) => !/[^\t\x20-\x7e]/.test(value)))

async function keptFields({ header, content }: FetchedMessage, section: Section, names: readonly string[]) {
  if (!isAscii(header, names)) return pickFields(await bytesOf(content, 0, Math.min(content.size, maxHeader)), section)
  const lines = names.flatMap((name) => (header[name] ?? []).map((value) => `${name}: ${folded(value)}\r\n`))
  return Buffer.from(`${lines.join('')}\r\n`)
}

/** Values are kept without their folds; no line may be longer than 998 characters (RFC 5322 §2.1.1). */
const folded = (value: string): string => (value.length <= 900 ? value : value.replace(/(.{60,}?) /g, '$1\r\n '))

async function writeSlice(slice: Slice | undefined, partial: Partial | undefined, out: Output): Promise<void> {
  if (!slice) return out.text('NIL')
  const from = partial ? Math.min(slice.start + partial.origin, slice.end) : slice.start
  const to = partial ? Math.min(from + partial.size, slice.end) : slice.end
  await writeLiteral(slice.body, from, to, out)
}
