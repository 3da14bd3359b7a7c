import { trim } from './octets.ts'

/** A value with parameters, such as that of Content-Type (RFC 2045 §5.1). */
export interface Parameterised {
  /** What stands before the first semicolon, in lower case. */
  readonly value: string
  /** Names in lower case; values as they are, continued and percent-encoded ones put together (RFC 2231). */
  readonly params: Readonly<Record<string, string>>
}

const maxParameters = 100
const maxLength = 16 * 1024

/** Reads such a value, tolerating blanks and missing quotes. Comments are left out. */
export function parseParameters(text: string): Parameterised {
  const [value = '', ...pieces] = split(text.slice(0, maxLength))
  const plain: Record<string, string> = {}
  const extended = new Map<string, Map<number, Section>>()
  for (const piece of pieces.slice(0, maxParameters)) {
    const equals = piece.indexOf('=')
    if (equals < 0) continue
    const name = trim(piece.slice(0, equals)).toLowerCase()
    const content = unquote(trim(piece.slice(equals + 1)))
    const [, base, section, encoded] = /^([^*]+)\*(?:(\d{1,3})(\*)?)?$/.exec(name) ?? []
    if (base !== undefined)
      addSection(extended, base, Number(section ?? 0), content, encoded !== undefined || section === undefined)
    else if (isKey(name) && !Object.hasOwn(plain, name)) plain[name] = content
  }
  for (const [name, sections] of extended) if (isKey(name)) plain[name] = assemble(sections)
  return { value: trim(value).toLowerCase(), params: plain }
}

/** `type/subtype`, or undefined when it is no such thing. */
export function parseMediaType(
  text: string,
): { type: string; subtype: string; params: Parameterised['params'] } | undefined {
  const { value, params } = parseParameters(text)
  const [, type, subtype] = /^([^\s/()<>@,;:\\"[\]?=]+)[ \t]*\/[ \t]*([^\s/()<>@,;:\\"[\]?=]+)$/.exec(value) ?? []
  return type !== undefined && subtype !== undefined ? { type, subtype, params } : undefined
}

/** A parameter as it is written with ASCII alone (RFC 2231 §4): `name*` and `utf-8''%e2%82%ac` where that is needed. */
export function encodeParameter(name: string, value: string): [name: string, value: string] {
  if (/^[\t\x20-\x7e]*$/.test(value)) return [name, value]
  const encoded = Buffer.from(value)
    .toString('latin1')
    .replace(/[^A-Za-z0-9!#$&+.^_`{|}~-]/g, (octet) => `%${octet.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return [`${name}*`, `utf-8''${encoded}`]
}

interface Section {
  readonly text: string
  readonly encoded: boolean
}

function addSection(
  all: Map<string, Map<number, Section>>,
  name: string,
  index: number,
  text: string,
  encoded: boolean,
) {
  const sections = all.get(name) ?? new Map<number, Section>()
  if (!sections.has(index)) sections.set(index, { text, encoded })
  all.set(name, sections)
}

function assemble(sections: ReadonlyMap<number, Section>): string {
  const first = sections.get(0)
  const [, charset = '', rest] = (first?.encoded && /^([^']*)'[^']*'(.*)$/s.exec(first.text)) || []
  const bytes: Buffer[] = []
  for (let index = 0, section = first; section; section = sections.get(++index)) {
    const text = index === 0 ? (rest ?? section.text) : section.text
    bytes.push(section.encoded ? percentDecoded(text) : Buffer.from(text))
  }
  return decodeAs(Buffer.concat(bytes), charset)
}

function percentDecoded(text: string): Buffer {
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const hex = bytes[at] === 37 ? bytes.toString('latin1', at + 1, at + 3) : ''
    const coded = /^[0-9a-f]{2}$/i.test(hex)
    bytes[length++] = coded ? Number.parseInt(hex, 16) : (bytes[at] ?? 0)
    if (coded) at += 2
  }
  return bytes.subarray(0, length)
}

function decodeAs(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset || 'utf-8').decode(bytes)
  } catch {
    return bytes.toString('latin1')
  }
}

/** The pieces between semicolons, comments left out, quoted strings whole. */
function split(text: string): string[] {
  if (!/["(\\]/.test(text)) return text.split(';')
  const pieces: string[] = []
  let piece = ''
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    let char = text.charAt(at)
    if (char === '\\' && (quoted || depth > 0)) char += text.charAt(++at)
    else if (char === '"' && depth === 0) quoted = !quoted
    else if (char === '(' && !quoted && (depth > 0 || pieces.length === 0 || !inToken(piece))) depth++
    if (depth === 0 && char === ';' && !quoted) {
      pieces.push(piece)
      piece = ''
    } else if (depth === 0) piece += char
    if (char === ')' && depth > 0) depth--
  }
  return [...pieces, piece]
}

/** `name=Invoice(1).pdf` has no comment, whatever the RFC says. */
function inToken(piece: string): boolean {
  return /[^\s"]$/.test(piece)
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  let inner = ''
  for (let at = 1; at < text.length && text.charAt(at) !== '"'; at++) {
    inner += text.charAt(text.charAt(at) === '\\' ? ++at : at)
  }
  return inner
}

/** Not a name that would reach into the object itself. */
function isKey(name: string): boolean {
  return name !== '' && name !== '__proto__'
}
