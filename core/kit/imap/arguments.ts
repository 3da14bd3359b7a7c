import type { Body } from '../message/message.ts'
import { parseDateTime, parseDay } from './date.ts'
import { ImapError } from './error.ts'
import { canonicalFlag } from './flags.ts'
import { parseSequenceSet, type SequenceSet } from './sequence_set.ts'
import { fromModifiedUtf7 } from './utf7.ts'

/** A literal as received: in memory, or, when it was asked for so, as a body that is read from a spool. */
export interface Literal {
  readonly size: number
  readonly bytes?: Uint8Array
  readonly body?: Body
}

/** Text between literals, a character for each byte, or a literal. */
export type Piece = string | Literal

// What RFC 9051 §9 calls ATOM-CHAR, ASTRING-CHAR and list-char: printable ASCII without ( ) { SP " \ and, by turns, % * ].
const atom = /[!#$&'+-[^-z|-~]+/y
const astring = /[!#$&'+-[\]-z|-~]+/y
const listMailbox = /[!#$%&'*-[\]-z|-~]+/y

/** How deep lists may stand within lists; a search for one of many words is written as OR within OR. */
const deepest = 100

/**
 * The arguments of one command, read from left to right. Each method reads one thing and nothing around it; what is not
 * there throws an ImapError with BAD. Strings are UTF-8.
 */
export class Arguments {
  readonly #pieces: readonly Piece[]
  #piece = 0
  #at = 0
  #depth = 0

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
  }

  get #text(): string {
    const piece = this.#pieces[this.#piece]
    return typeof piece === 'string' ? piece : ''
  }

  /** The literal that stands here, if one does. */
  get #literal(): Literal | undefined {
    const piece = this.#pieces[this.#piece]
    if (typeof piece === 'object') return piece
    const next = this.#pieces[this.#piece + 1]
    return typeof piece === 'string' && this.#at === piece.length && typeof next === 'object' ? next : undefined
  }

  #takeLiteral(): Literal | undefined {
    const literal = this.#literal
    if (!literal) return undefined
    this.#piece += typeof this.#pieces[this.#piece] === 'object' ? 1 : 2
    this.#at = 0
    return literal
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const [found] = pattern.exec(this.#text) ?? []
    if (found === undefined) return undefined
    this.#at += found.length
    return found
  }

  #need<T>(value: T | undefined, what: string): T {
    if (value === undefined) throw ImapError.bad(`Expected ${what}`)
    return value
  }

  /** True when everything has been read, but for blanks. */
  get done(): boolean {
    const last = this.#piece >= this.#pieces.length - 1 && typeof this.#pieces[this.#piece] !== 'object'
    return last && this.#text.slice(this.#at).trim() === ''
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.done) throw ImapError.bad('Unexpected arguments')
  }

  /** Whether these characters come next. */
  next(characters: string): boolean {
    return this.#text.startsWith(characters, this.#at)
  }

  /** The next characters, as many as there are, up to a number. */
  ahead(length: number): string {
    return this.#text.slice(this.#at, this.#at + length)
  }

  /** Reads these characters if they come next. */
  accept(characters: string): boolean {
    if (!this.next(characters)) return false
    this.#at += characters.length
    return true
  }

  /** These characters must come next. */
  expect(characters: string): void {
    if (!this.accept(characters)) throw ImapError.bad(`Expected ${characters === ' ' ? 'a space' : characters}`)
  }

  /** The space between arguments. */
  space(): void {
    this.expect(' ')
  }

  atom(what = 'an atom'): string {
    return this.#need(this.#take(atom), what)
  }

  /** An atom in capitals, for comparing. */
  keyword(what?: string): string {
    return this.atom(what).toUpperCase()
  }

  /** A word of letters, digits, dots and dashes in capitals; what follows it, such as `[`, stays. */
  word(what = 'a word'): string {
    return this.#need(this.#take(/[A-Za-z0-9.\-$]+/y), what).toUpperCase()
  }

  /** A number of up to 63 bits; beyond 2⁵³ it is rounded. */
  number(what = 'a number'): number {
    const digits = this.#need(this.#take(/\d{1,19}(?!\d)/y), what)
    return Number(digits)
  }

  nzNumber(what = 'a number above 0'): number {
    return this.#need(this.number(what) || undefined, what)
  }

  /** Quoted or literal, as the octets sent; undefined when neither stands here. */
  #octets(): Buffer | undefined {
    const literal = this.#takeLiteral()
    if (literal) {
      if (!literal.bytes) throw ImapError.bad('Unexpected literal')
      return Buffer.from(literal.bytes.buffer, literal.bytes.byteOffset, literal.bytes.byteLength)
    }
    const quoted = this.#take(/"(?:[^"\\]|\\["\\])*"/y)
    return quoted === undefined ? undefined : Buffer.from(quoted.slice(1, -1).replace(/\\(.)/g, '$1'), 'latin1')
  }

  /** A quoted string or a literal. */
  string(what = 'a string'): string {
    return utf8(this.#need(this.#octets(), what))
  }

  /** A quoted string, a literal or NIL, which is null. */
  nstring(what = 'a string or NIL'): string | null {
    if (this.#take(/NIL(?![!#$&'+-[\]-z|-~])/iy) !== undefined) return null
    return this.string(what)
  }

  /** An atom, a quoted string or a literal, as octets: the charset is the caller's to know. */
  astringOctets(what = 'a string'): Buffer {
    const octets = this.#octets()
    if (octets) return octets
    return Buffer.from(this.#need(this.#take(astring), what), 'latin1')
  }

  astring(what?: string): string {
    return utf8(this.astringOctets(what))
  }

  /** A mailbox name, decoded from modified UTF-7; INBOX in any case, alone or before a separator, becomes `INBOX`. */
  mailbox(): string {
    return decodeMailbox(this.astring('a mailbox name'))
  }

  /** A mailbox name in which `*` and `%` are wildcards. */
  pattern(): string {
    const octets = this.#octets()
    if (octets) return decodeMailbox(utf8(octets))
    return decodeMailbox(this.#need(this.#take(listMailbox), 'a mailbox pattern'))
  }

  sequenceSet(): SequenceSet {
    const text = this.#take(/[\d:*,]+/y)
    return this.#need(text === undefined ? undefined : parseSequenceSet(text), 'a sequence set')
  }

  /** Whether a sequence set seems to stand here. */
  get atSequenceSet(): boolean {
    return /^[\d*]/.test(this.#text.slice(this.#at, this.#at + 1))
  }

  /** A system flag, in its usual spelling, or a keyword. */
  flag(): string {
    const backslash = this.accept('\\') ? '\\' : ''
    return canonicalFlag(backslash + this.atom('a flag'))
  }

  flagList(): string[] {
    return this.list(() => this.flag())
  }

  /** `1-Feb-1994`, also quoted: the beginning of that day (UTC), in milliseconds since 1970. */
  date(): number {
    const text = this.#take(/"[^"]*"/y)?.slice(1, -1) ?? this.#take(/[\w-]+/y)
    return this.#need(text === undefined ? undefined : parseDay(text), 'a date')
  }

  /** A date and time in quotes, in milliseconds since 1970. */
  dateTime(): number {
    const text = this.#take(/"[^"]*"/y)
    return this.#need(text === undefined ? undefined : parseDateTime(text.slice(1, -1)), 'a date and time')
  }

  /** Items in parentheses, each read by `item`; there may be none. */
  list<T>(item: () => T): T[] {
    const items: T[] = []
    this.nested(() => {
      if (this.next(')')) return
      do items.push(item())
      while (this.accept(' '))
    })
    return items
  }

  /** What stands between parentheses; throws when they are nested too deep. */
  nested<T>(read: () => T): T {
    this.expect('(')
    if (++this.#depth > deepest) throw ImapError.bad('Too many parentheses')
    const value = read()
    this.#depth--
    this.expect(')')
    return value
  }

  /** Counts one level of nesting that has no parentheses, such as NOT. */
  deeper<T>(read: () => T): T {
    if (++this.#depth > deepest) throw ImapError.bad('Nested too deep')
    const value = read()
    this.#depth--
    return value
  }

  /** A message: a literal that was received as a body. */
  message(): Body {
    return this.#need(this.#takeLiteral()?.body, 'a literal')
  }
}

const utf8 = (octets: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch (cause) {
    throw ImapError.bad('A string is not valid UTF-8', { cause })
  }
}

const decodeMailbox = (written: string): string => {
  try {
    return foldInbox(fromModifiedUtf7(written))
  } catch (cause) {
    throw ImapError.bad('A mailbox name is not valid modified UTF-7', { cause })
  }
}

const foldInbox = (name: string): string => name.replace(/^inbox(?=\.|$)/i, 'INBOX')
