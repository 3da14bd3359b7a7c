import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'

/** What is asked for of a message or of one of its parts (RFC 9051 §6.4.5.1). */
export interface Section {
  /** The numbers of a part; none for the message itself. */
  readonly path: readonly number[]
  readonly text: '' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME'
  /** Field names, as written, with HEADER.FIELDS and HEADER.FIELDS.NOT. */
  readonly fields: readonly string[]
}

/** The octets from `origin` on, `size` of them at most. */
export interface Partial {
  readonly origin: number
  readonly size: number
}

const deepestPath = 64
const mostFields = 1024

/** Reads `[…]`. */
export function readSection(args: Arguments): Section {
  args.expect('[')
  const path: number[] = []
  if (args.accept(']')) return { path, text: '', fields: [] }
  const words = args.word('a section').split('.')
  while (words[0] !== undefined && /^[1-9]\d{0,8}$/.test(words[0])) path.push(Number(words.shift()))
  if (path.length > deepestPath) throw ImapError.bad('Too many part numbers')
  const text = words.join('.')
  if (!isText(text) || (text === 'MIME' && path.length === 0) || (text === '' && path.length === 0)) {
    throw ImapError.bad('Unknown section')
  }
  const fields = text.startsWith('HEADER.FIELDS') ? readFields(args) : []
  args.expect(']')
  return { path, text, fields }
}

const isText = (text: string): text is Section['text'] =>
  ['', 'HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'TEXT', 'MIME'].includes(text)

function readFields(args: Arguments): string[] {
  args.space()
  const fields = args.list(() => {
    const name = args.astring('a field name')
    if (!/^[!-9;-~]+$/.test(name)) throw ImapError.bad('Expected a field name')
    return name
  })
  if (fields.length === 0 || fields.length > mostFields) throw ImapError.bad('Expected field names')
  return fields
}

/** Reads `<origin.size>`, if it is there. */
export function readPartial(args: Arguments): Partial | undefined {
  if (!args.accept('<')) return undefined
  const [, origin, size] = /^(\d{1,10})\.(\d{1,10})$/.exec(args.word('an origin and a size')) ?? []
  args.expect('>')
  if (origin === undefined || !Number(size)) throw ImapError.bad('Expected an origin and a size above 0')
  return { origin: Number(origin), size: Number(size) }
}

/** The section as the answer names it. */
export function formatSection({ path, text, fields }: Section): string {
  const words = [...path, ...(text === '' ? [] : [text])].join('.')
  return `[${words}${fields.length > 0 ? ` (${fields.map(fieldName).join(' ')})` : ''}]`
}

const fieldName = (name: string): string =>
  /^[!#$&'+-[^-z|~]+$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`
