import { type Entity, isReadableMessage, mediaOf, newEntity, plainText } from './entity.ts'
import { lenientHeader } from './header.ts'
import { CR, DASH, LF } from './octets.ts'

/** Parts deeper than this are not looked into. */
const maxDepth = 100

/** What comes after so many parts belongs to the last of them. */
const maxParts = 10_000

/** A longer line is no delimiter, nor is a longer boundary one: RFC 2046 §5.1.1 has 70. */
const maxDelimiter = 1000
const maxBoundary = 250

/** So much of a header is looked at, in bytes. */
const maxHeader = 1024 * 1024

/** Bytes that stay in the window behind the place of work: a line end, and the byte before it. */
const history = 3

const nothing = lenientHeader(new Uint8Array())

/**
 * Finds the parts of a message (RFC 2046) in a single pass over its bytes, which come in any number of chunks. Nothing is
 * wrong to it: what is no MIME comes out as text, or as one opaque part.
 */
export class Scanner {
  readonly root: Entity = newEntity(0, false, nothing)
  /** From the message inwards to what is being read. */
  readonly #open: Entity[] = [this.root]
  readonly #boundaries = new Map<string, Entity>()
  #parts = 1
  #inHeader = true
  #headerChunks: Buffer[] = []
  /** Where in the window the header goes on. */
  #headerFrom = 0
  #window: Buffer = Buffer.alloc(0)
  /** The offset of the window in the message. */
  #base = 0
  /** Where in the window the work goes on, and whether a line starts there. */
  #at = 0
  #atLine = true
  /** How many open entities have their lines counted, and the line ends met meanwhile. */
  #counting = 0
  #lineEnds = 0

  /** Takes the next bytes; `last` says that there are no more. */
  push(chunk: Buffer, last: boolean): void {
    this.#append(chunk)
    while (this.#at < this.#window.length && (this.#inHeader ? this.#headerLine(last) : this.#bodyLines(last)));
    if (last) this.#closeDownTo(0, this.#window.length)
  }

  #append(chunk: Buffer): void {
    if (this.#inHeader) this.#keepHeader()
    const from = Math.max(this.#at - history, 0)
    const kept = this.#window.subarray(from)
    this.#window = kept.length > 0 ? Buffer.concat([kept, chunk]) : chunk
    this.#base += from
    this.#at -= from
    this.#headerFrom = this.#at
  }

  /** Reads a line of a header. False when more bytes are needed. */
  #headerLine(last: boolean): boolean {
    const newline = this.#window.indexOf(LF, this.#at)
    if (newline < 0 && !last && this.#window.length - this.#at <= maxDelimiter) return false
    const end = newline < 0 ? this.#window.length : newline + 1
    const start = this.#at
    if (this.#atLine && newline >= 0 && isEmptyLine(this.#window, start, newline)) {
      this.#keepHeader()
      this.#advance(end)
      this.#endHeader(end)
    } else if (!this.#atLine || !this.#delimiter(start, end)) {
      this.#advance(end)
      this.#atLine = newline >= 0
    }
    return true
  }

  /** Passes over lines of a body up to one that starts with two dashes, and looks at that. False as above. */
  #bodyLines(last: boolean): boolean {
    const window = this.#window
    if (this.#boundaries.size === 0 || this.#parts >= maxParts) return this.#advance(window.length)
    if (this.#atLine && !last && window.length - this.#at < 2) return false
    if (!this.#atLine || window[this.#at] !== DASH || window[this.#at + 1] !== DASH) {
      const found = window.indexOf('\n--', this.#at)
      if (found < 0) return this.#passOver(last)
      this.#advance(found + 1)
    }
    this.#atLine = true
    const newline = window.indexOf(LF, this.#at)
    if (newline < 0 && !last && window.length - this.#at <= maxDelimiter) return false
    if (!this.#delimiter(this.#at, newline < 0 ? window.length : newline + 1)) {
      this.#advance(this.#at + 2)
      this.#atLine = false
    }
    return true
  }

  /** Passes over the window, but for a dash at its end that may have a second one. */
  #passOver(last: boolean): boolean {
    const size = this.#window.length
    const halfway = !last && size - 1 > this.#at && this.#window[size - 1] === DASH && this.#window[size - 2] === LF
    this.#advance(halfway ? size - 1 : size)
    this.#atLine = this.#window[this.#at - 1] === LF
    return true
  }

  /** Ends what the line from `start` to `end` ends, if it is a delimiter of an open multipart, and begins a part. */
  #delimiter(start: number, end: number): boolean {
    if (this.#boundaries.size === 0 || this.#parts >= maxParts || end - start > maxDelimiter) return false
    if (this.#window[start] !== DASH || this.#window[start + 1] !== DASH) return false
    const line = this.#window.toString('latin1', start + 2, end).replace(/[ \t\r\n]+$/, '')
    const opening = this.#boundaries.get(line)
    const multipart = opening ?? (line.endsWith('--') ? this.#boundaries.get(line.slice(0, -2)) : undefined)
    if (!multipart) return false
    this.#closeDownTo(this.#open.indexOf(multipart) + 1, start)
    this.#advance(end)
    this.#atLine = true
    if (opening) {
      if (multipart.parts.length === 0) this.#stopCounting(multipart)
      const part = newEntity(this.#base + end, multipart.media.subtype === 'digest', nothing)
      multipart.parts.push(part)
      this.#begin(part)
    } else this.#forget(multipart)
    return true
  }

  #begin(entity: Entity): void {
    this.#parts++
    this.#open.push(entity)
    this.#inHeader = true
    this.#atLine = true
    this.#headerChunks = []
    this.#headerFrom = this.#at
  }

  /** The innermost entity's body starts at `at`, in the window. */
  #endHeader(at: number): void {
    const entity = this.#open.at(-1) ?? this.root
    const [only] = this.#headerChunks
    const bytes = only && this.#headerChunks.length === 1 ? only : Buffer.concat(this.#headerChunks)
    this.#headerChunks = []
    this.#inHeader = false
    this.#atLine = true
    entity.header = lenientHeader(bytes.subarray(0, maxHeader))
    entity.media = mediaOf(entity)
    entity.body = this.#base + at
    const deep = this.#open.length > maxDepth
    const message = isReadableMessage(entity)
    const multipart = entity.media.type === 'multipart'
    if ((message || multipart) && deep) entity.media = { type: 'application', subtype: 'octet-stream', params: null }
    else if (multipart) this.#beginMultipart(entity)
    if (entity.media.type === 'text' || entity.media.type === 'multipart' || message) this.#startCounting(entity)
    if (!message || deep) return
    entity.message = newEntity(entity.body, false, nothing)
    this.#begin(entity.message)
  }

  #beginMultipart(entity: Entity): void {
    const boundary = Buffer.from(entity.media.params?.boundary ?? '')
      .toString('latin1')
      .replace(/[ \t]+$/, '')
    if (boundary === '' || boundary.length > maxBoundary) {
      entity.media = plainText // for want of a parameter it is invalid, which makes it text (RFC 2045 §5.2)
      return
    }
    entity.boundary = boundary
    entity.shadowed = this.#boundaries.get(boundary)
    this.#boundaries.set(boundary, entity)
  }

  /** Closes all but the outermost `depth` entities. Their bodies end before the line end that stands before `at`. */
  #closeDownTo(depth: number, at: number): void {
    while (this.#inHeader) {
      this.#keepHeader()
      this.#endHeader(at)
    }
    const lineEnd = depth === 0 || this.#window[at - 1] !== LF ? 0 : this.#window[at - 2] === CR ? 2 : 1
    while (this.#open.length > depth) {
      const entity = this.#open.pop()
      if (entity) this.#close(entity, at, lineEnd)
    }
  }

  #close(entity: Entity, at: number, lineEnd: number): void {
    entity.end = Math.max(this.#base + at - lineEnd, entity.body)
    if (entity.countedFrom !== undefined && entity.end > entity.body) {
      const unended = this.#window[entity.end - this.#base - 1] !== LF ? 1 : 0
      entity.lines = this.#lineEnds - (lineEnd > 0 ? 1 : 0) - entity.countedFrom + unended
    }
    this.#stopCounting(entity)
    this.#forget(entity)
  }

  #forget(multipart: Entity): void {
    if (this.#boundaries.get(multipart.boundary) !== multipart) return
    if (multipart.shadowed) this.#boundaries.set(multipart.boundary, multipart.shadowed)
    else this.#boundaries.delete(multipart.boundary)
  }

  #startCounting(entity: Entity): void {
    entity.countedFrom = this.#lineEnds
    this.#counting++
  }

  #stopCounting(entity: Entity): void {
    if (entity.countedFrom === undefined) return
    entity.countedFrom = undefined
    this.#counting--
  }

  #keepHeader(): void {
    const kept = this.#headerChunks.reduce((size, chunk) => size + chunk.length, 0)
    if (kept < maxHeader) this.#headerChunks.push(this.#window.subarray(this.#headerFrom, this.#at))
    this.#headerFrom = this.#at
  }

  #advance(to: number): true {
    if (this.#counting > 0) {
      const window = this.#window
      let count = 0
      for (let at = this.#at; at < to; at++) if (window[at] === LF) count++
      this.#lineEnds += count
    }
    this.#at = to
    return true
  }
}

function isEmptyLine(window: Buffer, start: number, newline: number): boolean {
  return newline === start || (newline === start + 1 && window[start] === CR)
}
