/** Bytes of a body in one row of the database. */
const size = 256 * 1024

/** The rows that bytes take in the database: pieces of one size, but for the last; one even when there are no bytes. */
export const piecesOf = (bytes: Uint8Array): Uint8Array[] => {
  const pieces: Uint8Array[] = []
  for (let at = 0; at < bytes.length || at === 0; at += size) pieces.push(own(bytes.subarray(at, at + size)))
  return pieces
}

/** The same of a stream, so many at once. */
export async function* pieceGroups(source: AsyncIterable<Uint8Array>, count: number): AsyncIterable<Uint8Array[]> {
  let gathered: Uint8Array[] = []
  let length = 0
  for await (const chunk of source) {
    gathered.push(chunk)
    length += chunk.length
    if (length <= count * size) continue
    const bytes = Buffer.concat(gathered)
    const whole = count * size
    let at = 0
    for (; bytes.length - at > whole; at += whole) yield piecesOf(bytes.subarray(at, at + whole))
    gathered = [bytes.subarray(at)]
    length = bytes.length - at
  }
  yield piecesOf(Buffer.concat(gathered))
}

/** Bytes with a buffer of exactly their size: on their way to another thread the whole buffer is copied. */
const own = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
