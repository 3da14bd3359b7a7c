import type { Fields } from '../log.ts'

/** One event, before it is written out. */
export interface LogLine {
  readonly time: Date
  readonly debug: boolean
  /** Of the logger: `smtp/pipeline`. */
  readonly name: string
  readonly event: string
  readonly fields: Fields
}

/** Longer texts are cut: a stranger who chose one cannot fill the disk with a single line. In UTF-16 code units. */
const longest = 16_384

/** `[NAME: ]EVENT<TAB>[JSON]`: always exactly one tab and never a line break, so that the line can be taken apart again. */
export const formatLine = ({ name, event, fields }: LogLine): string => {
  let json = ''
  for (const key of Object.keys(fields).sort()) {
    const value = fields[key]
    if (value !== undefined) json += `${json === '' ? '{' : ','}${encode(key)}:${encode(value)}`
  }
  return `${name === '' ? '' : `${plain(name)}: `}${plain(event)}\t${json === '' ? '' : `${json}}`}`
}

/** `YYYY-MM-DDThh:mm:ss.mmmZ`, in UTC. */
export const formatTime = (time: Date): string => time.toISOString()

/** What stands in a line as it is; most of what is logged is so, and there are several lines for each message. */
const simple = /^[ !#-%'-;=?-[\]-~]{0,1024}$/

/** Control characters as escapes; the text stays readable and on its line. */
const plain = (text: string): string => (simple.test(text) ? text : escaped(text))

const escaped = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this is about
  cut(text).replace(/[\x00-\x1f\x7f\u2028\u2029]/g, (character) => escapes[character] ?? unicode(character))

const escapes: Readonly<Record<string, string>> = { '\t': '\\t', '\n': '\\n', '\r': '\\r' }

const unicode = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text)

/** JSON with sorted keys, and escaped as maddy does it: neither HTML nor a line break survives in it. */
const encode = (value: unknown): string => {
  if (typeof value === 'string' && simple.test(value)) return `"${value}"`
  if (Number.isFinite(value)) return String(value)
  return JSON.stringify(printable(value, new Set())).replace(/[<>&\u2028\u2029]/g, unicode)
}

/** Turns a value into what JSON can hold: errors into their text, times without a zone, keys in order. */
const printable = (value: unknown, above: ReadonlySet<object>): unknown => {
  switch (typeof value) {
    case 'string':
      return cut(value).toWellFormed()
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'boolean':
      return value
    case 'object':
      return value === null ? null : printableObject(value, above)
    default:
      return String(value)
  }
}

const printableObject = (value: object, above: ReadonlySet<object>): unknown => {
  if (above.has(value)) return '[circular]'
  const within = new Set([...above, value])
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString().slice(0, -1)
  if (value instanceof Error) return cut(errorText(value))
  if (value instanceof Uint8Array)
    return cut(Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64'))
  if (value instanceof Map) return sorted(Object.fromEntries(value), within)
  if (isIterable(value)) return Array.from(value, (each) => printable(each, within))
  // What has a text of its own, such as a URL, is shown by it.
  const proto: unknown = Object.getPrototypeOf(value)
  if (proto !== null && proto !== Object.prototype && value.toString !== Object.prototype.toString) return String(value)
  return sorted(value, within)
}

const isIterable = (value: object): value is Iterable<unknown> => Symbol.iterator in value

const sorted = (value: object, within: ReadonlySet<object>): Record<string, unknown> => {
  // Without a prototype, since a key such as __proto__ may be a stranger's.
  const result: Record<string, unknown> = Object.create(null)
  for (const [key, each] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (each !== undefined) result[key] = printable(each, within)
  }
  return result
}

/** The message of an error and of what caused it: `outer: inner`, each text once. */
export const errorText = (error: unknown): string => {
  const texts: string[] = []
  for (const each of chain(error)) {
    const text = each instanceof Error ? each.message || nested(each) || each.name : String(each)
    if (!texts.some((seen) => seen.includes(text))) texts.push(text)
  }
  return texts.join(': ')
}

const nested = (error: Error): string =>
  error instanceof AggregateError ? error.errors.map((each) => errorText(each)).join('; ') : ''

/**
 * What a log line says of an error. Fields of the whole chain of causes, the outer ones first in rank; `reason` is the
 * text of the error, or of the cause of an SmtpError whose own text is the reply, unless a field says better.
 */
export const errorFields = (error: unknown): Fields => {
  const found: Record<string, unknown> = {}
  for (const each of [...chain(error)].reverse()) Object.assign(found, ownFields(each))
  if (found.reason === undefined) found.reason = reasonOf(error)
  return found
}

const reasonOf = (error: unknown): string =>
  isReply(error) && error.cause !== undefined ? errorText(error.cause) : errorText(error)

/** At most ten levels, and none twice. */
function* chain(error: unknown): Generator<unknown> {
  const seen = new Set<unknown>()
  for (let each = error; each !== undefined && each !== null && !seen.has(each) && seen.size < 10; ) {
    seen.add(each)
    yield each
    each = each instanceof Error ? each.cause : undefined
  }
}

const ownFields = (error: unknown): Fields => {
  if (typeof error !== 'object' || error === null) return {}
  const given = 'fields' in error && typeof error.fields === 'object' ? { ...error.fields } : {}
  if (!isReply(error)) return given
  return { smtp_code: error.code, smtp_enchcode: error.enhanced, smtp_msg: error.message, ...given }
}

interface Reply extends Error {
  readonly code: number
  readonly enhanced: string
}

/** An SmtpError of this or of another copy of the package. */
const isReply = (error: unknown): error is Reply =>
  error instanceof Error && error.name === 'SmtpError' && 'code' in error && 'enhanced' in error
