import type { Message } from '../../message/message.ts'
import { Lines } from '../server/lines.ts'

const LF = 10
const DOT = 46
const crlf = Buffer.from('\r\n')
const endOfData = Buffer.from('.\r\n')

/** How much is sent at a time, where it comes in small pieces; bytes. */
export const pieceSize = 65_536

/** How large a message is before anything in it is mended, in bytes. */
export const contentSize = ({ header, body }: Message): number => header.size + crlf.length + body.size

/**
 * Header, empty line and body, in pieces of at least `pieceSize` but for the last. Each line ends in CRLF, the last one too:
 * a CR or LF on its own becomes one, and NULs do not hide a dot at the start of a line, so that no server sees an end of the
 * message where there is none, however it reads lines.
 */
export const wireContent = (message: Message): AsyncGenerator<Uint8Array> => gathered(complete(mended(message)))

/** As `wireContent`, in the form of DATA: dots at the start of lines doubled, and the end marked (RFC 5321 §4.5.2). */
export const dataContent = (message: Message): AsyncGenerator<Uint8Array> =>
  gathered(stuffed(complete(mended(message))))

async function* mended({ header, body }: Message): AsyncGenerator<Uint8Array> {
  const lines = new Lines({ maxLine: Number.POSITIVE_INFINITY, bareNewlines: 'normalize' })
  yield lines.check(header.bytes())
  yield lines.check(crlf)
  for await (const chunk of body.read()) yield lines.check(chunk)
  yield lines.end()
}

/** Adds what the last line lacks. */
async function* complete(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let last: number | undefined = LF
  for await (const piece of pieces) {
    last = piece.at(-1) ?? last
    yield piece
  }
  if (last !== LF) yield crlf
}

/** Doubles the dots at the start of lines, each of which ends in CRLF, and marks the end. */
async function* stuffed(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let before = LF
  for await (const piece of pieces) {
    yield withDots(piece, before)
    before = piece.at(-1) ?? before
  }
  yield endOfData
}

/** The piece itself, unless a line in it starts with a dot; `before` is the octet in front of it. */
const withDots = (piece: Uint8Array, before: number): Uint8Array => {
  const dots: number[] = []
  for (let at = piece.indexOf(DOT); at >= 0; at = piece.indexOf(DOT, at + 1)) {
    if ((at === 0 ? before : piece[at - 1]) === LF) dots.push(at)
  }
  if (dots.length === 0) return piece
  const copy = Buffer.allocUnsafe(piece.length + dots.length)
  let kept = 0
  for (const [doubled, at] of dots.entries()) {
    copy.set(piece.subarray(kept, at), kept + doubled)
    copy[at + doubled] = DOT
    kept = at
  }
  copy.set(piece.subarray(kept), kept + dots.length)
  return copy
}

/** In one piece what comes in small ones: each would be a packet of its own. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = []
  let size = 0
  for await (const piece of pieces) {
    if (piece.length === 0) continue
    held.push(piece)
    size += piece.length
    if (size < pieceSize) continue
    yield joined(held)
    held = []
    size = 0
  }
  if (size > 0) yield joined(held)
}

const joined = (pieces: readonly Uint8Array[]): Uint8Array => {
  const [only] = pieces
  return only && pieces.length === 1 ? only : Buffer.concat(pieces)
}
