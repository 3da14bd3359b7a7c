import { type SpoolOptions, spoolBody } from './body.ts'
import { parseHeader } from './header.ts'
import type { Body, Header } from './message.ts'
import { CR, LF, view } from './octets.ts'

/** The header is larger than allowed. */
export class HeaderTooBig extends Error {
  override readonly name = 'HeaderTooBig'
}

/** Header and body together are larger than allowed. */
export class MessageTooBig extends Error {
  override readonly name = 'MessageTooBig'
}

/** Finds the end of a header in a stream, keeping no more than it may. */
export class HeaderReader {
  readonly #maxSize: number
  readonly #chunks: Buffer[] = []
  #size = 0
  /** Where in a line the last chunk ended: within it, at its start, or after a CR that starts it. */
  #place: 'within' | 'start' | 'cr' = 'start'

  constructor(maxSize: number) {
    this.#maxSize = maxSize
  }

  /**
   * Takes a chunk. The rest of the one in which the header ends, if only of length 0, is returned: the body starts with it.
   * @throws HeaderTooBig
   */
  push(chunk: Uint8Array): Buffer | undefined {
    const bytes = view(chunk)
    const end = this.#findEnd(bytes)
    const part = end === undefined ? bytes : bytes.subarray(0, end)
    this.#size += part.length
    if (this.#size > this.#maxSize) throw new HeaderTooBig(`the header has more than ${this.#maxSize} bytes`)
    this.#chunks.push(part)
    return end === undefined ? undefined : bytes.subarray(end)
  }

  /** What was taken so far: the header with the empty line that ends it, if there was one. */
  bytes(): Buffer {
    const [only] = this.#chunks
    return only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks)
  }

  /** The offset after the empty line. */
  #findEnd(bytes: Buffer): number | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#place !== 'within' && bytes[at] === LF) return at + 1
      if (this.#place === 'start' && bytes[at] === CR) {
        this.#place = 'cr'
        at++
        continue
      }
      const newline = bytes.indexOf(LF, at)
      this.#place = newline < 0 ? 'within' : 'start'
      if (newline < 0) return undefined
      at = newline + 1
    }
    return undefined
  }
}

export interface ReadOptions extends SpoolOptions {
  /** In bytes, with the empty line. */
  readonly maxHeaderSize: number
  /** In bytes, header and body together: the largest that is taken. */
  readonly maxSize: number
}

/**
 * Reads a message: its header into memory, its body where the options have it. After a refusal the source is still read to
 * its end, since an SMTP client hears of it only then; a source that goes on too long has to end itself.
 * @throws HeaderError HeaderTooBig MessageTooBig, and what the source or the disk throws
 */
export async function readMessage(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions,
): Promise<{ readonly header: Header; readonly body: Body & AsyncDisposable }> {
  const chunks = source[Symbol.asyncIterator]()
  try {
    return await take(chunks, options)
  } catch (error) {
    await drain(chunks).catch(() => {}) // it is the first error that counts
    throw error
  }
}

async function take(chunks: AsyncIterator<Uint8Array>, options: ReadOptions) {
  const reader = new HeaderReader(options.maxHeaderSize)
  let rest: Buffer | undefined
  while (!rest) {
    const next = await chunks.next()
    if (next.done) break
    rest = reader.push(next.value)
  }
  const bytes = reader.bytes()
  const header = parseHeader(bytes)
  return { header, body: await spoolBody(bodyOf(rest, chunks, options.maxSize - bytes.length), options) }
}

/** Leaves the iterator open when it is left itself, as a loop over it would not. */
async function* bodyOf(first: Buffer | undefined, chunks: AsyncIterator<Uint8Array>, limit: number) {
  let left = limit
  let chunk: Uint8Array | undefined = first
  while (chunk) {
    left -= chunk.length
    if (left < 0) throw new MessageTooBig('the message has more bytes than it may have')
    if (chunk.length > 0) yield chunk
    const next = await chunks.next()
    chunk = next.done ? undefined : next.value
  }
}

async function drain(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  while (!(await chunks.next()).done);
}
