import type { Content } from './content.ts'

const CR = 13
const LF = 10
const DOT = 46
const cr = Buffer.from('\r')

/**
 * Takes the transparency of DATA off (RFC 5321 §4.5.2). The data ends with CRLF . CRLF and with nothing else: a dot between
 * bare CRs or LFs is content, however the octets were cut into packets. So one message is never read as two, and where
 * another server would see an end, none is.
 */
export class Dots {
  readonly #content: Content
  /** How much of CRLF . CRLF has just been seen. What is sent first stands at the start of a line. */
  #seen: 0 | 1 | 2 | 3 | 4 = 2

  constructor(content: Content) {
    this.#content = content
  }

  /** Hands octets on to the content. Gives the index after the end of the data, or -1 when it has not come yet. */
  feed(chunk: Uint8Array): number {
    const pieces: Uint8Array[] = []
    const end = this.#split(chunk, pieces)
    const [only] = pieces
    // In one piece, however many dots there were: thousands of small ones would take long to read.
    if (only) this.#content.push(pieces.length === 1 ? only : Buffer.concat(pieces))
    return end
  }

  /** Finds what is content. Gives the index after the end of the data, or -1. */
  #split(chunk: Uint8Array, content: Uint8Array[]): number {
    let kept = 0 // what stands before has been handed on, or is no content
    let i = 0
    if (this.#seen === 4 && chunk.length > 0 && chunk[0] !== LF) {
      content.push(cr) // the last packet ended between that CR and what follows
      this.#seen = 1
    }
    while (i < chunk.length) {
      const byte = chunk[i]
      switch (this.#seen) {
        case 0: {
          const next = chunk.indexOf(CR, i)
          if (next < 0) {
            i = chunk.length
            continue
          }
          i = next
          this.#seen = 1
          break
        }
        case 1:
          this.#seen = byte === LF ? 2 : byte === CR ? 1 : 0
          break
        case 2:
          if (byte === DOT) {
            content.push(chunk.subarray(kept, i))
            kept = i + 1
            this.#seen = 3
          } else {
            this.#seen = byte === CR ? 1 : 0
          }
          break
        case 3:
          this.#seen = byte === CR ? 4 : 0
          break
        case 4:
          if (byte === LF) return i + 1
          this.#seen = byte === CR ? 1 : 0
          break
      }
      i++
    }
    // A CR after the dot is held back, for it may be half of the end.
    content.push(chunk.subarray(kept, this.#seen === 4 ? Math.max(kept, chunk.length - 1) : chunk.length))
    return -1
  }
}
