import { SmtpError } from '../error.ts'

export interface LineRules {
  /** Octets in a line without its CRLF; Infinity for any. */
  readonly maxLine: number
  /**
   * What becomes of a CR or LF on its own, and of NULs that stand between the start of a line and a dot: a refusal, or a
   * CRLF. Nobody may send either, and a server that takes one for CRLF, or leaves the other out, could see an end of data.
   */
  readonly bareNewlines: 'refuse' | 'normalize'
}

const NUL = 0
const CR = 13
const LF = 10
const DOT = 46

/**
 * The lines of a content, chunk by chunk: each ends in CRLF, none is too long (RFC 5321 §2.3.8, §4.5.3.1.6), and no dot at
 * the start of one is hidden behind NULs.
 */
export class Lines {
  /** A line was longer than the rules allow. */
  tooLong = false
  readonly #rules: LineRules
  /** Octets of the line so far. */
  #line = 0
  /** So many of them are NULs that stand at its start. */
  #nuls = 0
  #afterCR = false

  constructor(rules: LineRules) {
    this.#rules = rules
  }

  /** The chunk as it goes on, which is the chunk itself unless something of it was mended. Throws SmtpError. */
  check(chunk: Uint8Array): Uint8Array {
    const { maxLine } = this.#rules
    let mended: Mended | undefined
    let line = this.#line
    let nuls = this.#nuls
    let afterCR = this.#afterCR
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]
      if (afterCR) {
        afterCR = false
        line = nuls = 0
        if (byte === LF) continue
        mended = this.#mend(mended, chunk, i, [LF], bareNewline)
      }
      if (byte === CR) {
        afterCR = true
      } else if (byte === LF) {
        mended = this.#mend(mended, chunk, i, [CR], bareNewline)
        line = nuls = 0
      } else if (++line > maxLine) {
        this.tooLong = true
        throw SmtpError.permanent(554, '5.0.0', 'Too long line')
      } else if (byte === NUL) {
        if (nuls === line - 1) nuls = line
      } else if (nuls > 0) {
        if (byte === DOT && nuls === line - 1) {
          mended = this.#mend(mended, chunk, i, [CR, LF], hiddenDot)
          line = 1
        }
        nuls = 0
      }
    }
    this.#line = line
    this.#nuls = nuls
    this.#afterCR = afterCR
    return mended ? mended.upTo(chunk.length) : chunk
  }

  /** What the last line lacks. Throws SmtpError. */
  end(): Uint8Array {
    if (!this.#afterCR) return nothing
    return this.#mend(undefined, nothing, 0, [LF], bareNewline).upTo(0)
  }

  #mend(mended: Mended | undefined, chunk: Uint8Array, at: number, missing: readonly number[], fault: string): Mended {
    if (this.#rules.bareNewlines === 'refuse') throw SmtpError.permanent(554, '5.6.0', fault)
    const copy = mended ?? new Mended(chunk)
    copy.insert(at, missing)
    return copy
  }
}

const nothing = new Uint8Array()
const bareNewline = 'Message contains a bare CR or LF'
const hiddenDot = 'Message contains NUL in front of a dot'

/** A copy of a chunk with octets put in. In one piece, however many there are: a queue of single octets would take for ever. */
class Mended {
  readonly #chunk: Uint8Array
  readonly #copy: Uint8Array
  #size = 0
  /** How much of the chunk has been copied. */
  #at = 0

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk
    this.#copy = Buffer.allocUnsafe(2 * chunk.length + 2) // an octet has one put in front of it, or a NUL and a dot have two
  }

  insert(at: number, octets: readonly number[]): void {
    this.upTo(at)
    for (const octet of octets) this.#copy[this.#size++] = octet
  }

  /** All there is up to that place in the chunk. */
  upTo(at: number): Uint8Array {
    while (this.#at < at) this.#copy[this.#size++] = this.#chunk[this.#at++] ?? 0
    return this.#copy.subarray(0, this.#size)
  }
}
