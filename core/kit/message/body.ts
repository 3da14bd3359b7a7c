import type { Body } from './message.ts'
import { view } from './octets.ts'

export { fileBody } from './file_body.ts'
export { type SpoolOptions, spoolBody } from './spool.ts'

/** A body that is in memory. It is handed out as it is, so its owner must not write to it any more. */
export function memoryBody(bytes: Uint8Array): Body {
  const memory = view(bytes)
  return {
    size: memory.length,
    memory,
    async *read(start = 0, length = memory.length) {
      const range = memory.subarray(Math.max(start, 0), Math.max(start, 0) + Math.max(length, 0))
      if (range.length > 0) yield range
    },
  }
}

/** `rest` with bytes before it, such as a header. Its `memory` is joined when first asked for, if `rest` has one. */
export function concatBody(first: Uint8Array, rest: Body): Body {
  return new Joined(view(first), rest)
}

/** All bytes of a body, or `length` of them from `start`, as one Buffer; without a copy when they are in memory. */
export async function bytesOf(body: Body, start = 0, length = body.size): Promise<Buffer> {
  if (body.memory) return view(body.memory).subarray(start, start + length)
  const chunks: Uint8Array[] = []
  for await (const chunk of body.read(start, length)) chunks.push(chunk)
  const [only] = chunks
  return only && chunks.length === 1 ? view(only) : Buffer.concat(chunks)
}

class Joined implements Body {
  readonly size: number
  readonly #first: Buffer
  readonly #rest: Body
  #memory: Buffer | undefined

  constructor(first: Buffer, rest: Body) {
    this.#first = first
    this.#rest = rest
    this.size = first.length + rest.size
  }

  get memory(): Uint8Array | undefined {
    if (!this.#memory && this.#rest.memory) this.#memory = Buffer.concat([this.#first, this.#rest.memory])
    return this.#memory
  }

  async *read(start = 0, length = this.size): AsyncIterable<Uint8Array> {
    const from = Math.max(start, 0)
    const until = Math.min(from + Math.max(length, 0), this.size)
    const ahead = this.#first.subarray(from, until)
    if (ahead.length > 0) yield ahead
    const restFrom = Math.max(from - this.#first.length, 0)
    const restUntil = until - this.#first.length
    if (restUntil > restFrom) yield* this.#rest.read(restFrom, restUntil - restFrom)
  }
}
