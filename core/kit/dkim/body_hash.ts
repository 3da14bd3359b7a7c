import { createHash } from 'node:crypto'
import type { Canonicalization } from './canonical.ts'

const LF = 10
const CR = 13
const SPACE = 32
const TAB = 9

/** In bytes; what is hashed in one go. */
const portion = 16 * 1024

/**
 * The SHA-256 of a body as it is signed (RFC 6376 §3.4.3, §3.4.4). It takes the body in chunks of any size and keeps nothing
 * of it: empty lines at the end are left out, so line ends are only counted until something follows them. A bare LF counts
 * as the line end it becomes on its way; a bare CR is a character like others.
 */
export class BodyHash {
  readonly #hash = createHash('sha256')
  readonly #relaxed: boolean
  readonly #out = Buffer.allocUnsafe(portion)
  #used = 0
  #empty = true
  /** Line ends since the last character. */
  #lineEnds = 0
  /** There was white space since the last character of the line. */
  #blank = false
  /** The last octet was a CR. */
  #cr = false

  constructor(canonicalization: Canonicalization) {
    this.#relaxed = canonicalization === 'relaxed'
  }

  update(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] as number
      if (octet > SPACE) {
        this.#character(octet)
        at = this.#word(chunk, at + 1) - 1
      } else if (octet === LF) {
        this.#cr = false
        this.#blank = false
        this.#lineEnds++
      } else if (octet === CR) {
        if (this.#cr) this.#character(CR)
        this.#cr = true
      } else if (this.#relaxed && (octet === SPACE || octet === TAB)) {
        if (this.#cr) this.#character(CR)
        this.#blank = true
      } else this.#character(octet)
    }
  }

  /** Base64, as in `bh`. Nothing can be added any more. */
  digest(): string {
    if (this.#cr) this.#character(CR)
    // An empty body is nothing at all when relaxed, and one line end when simple.
    if (!this.#empty || !this.#relaxed) this.#lineEnd()
    this.#hash.update(this.#out.subarray(0, this.#used))
    return this.#hash.digest('base64')
  }

  /** Takes characters that need no thought, as many as there are from `at` on; where they end. */
  #word(chunk: Uint8Array, at: number): number {
    const out = this.#out
    let used = this.#used
    let end = at
    while (used < portion && end < chunk.length) {
      const octet = chunk[end] as number
      if (octet <= SPACE) break
      out[used++] = octet
      end++
    }
    this.#used = used
    return end
  }

  /** Writes a character, after what was held back until it was known that something follows. */
  #character(octet: number): void {
    const cr = this.#cr && octet !== CR
    this.#cr = false
    for (; this.#lineEnds > 0; this.#lineEnds--) this.#lineEnd()
    if (this.#blank) this.#write(SPACE)
    this.#blank = false
    if (cr) this.#write(CR)
    this.#write(octet)
    this.#empty = false
  }

  #lineEnd(): void {
    this.#write(CR)
    this.#write(LF)
  }

  #write(octet: number): void {
    if (this.#used === portion) {
      this.#hash.update(this.#out)
      this.#used = 0
    }
    this.#out[this.#used++] = octet
  }
}
