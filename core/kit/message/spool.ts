import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { memoryBody } from './body.ts'
import { fileBody } from './file_body.ts'
import type { Body } from './message.ts'

export interface SpoolOptions {
  /** `ram` keeps any body in memory, `fs` none, `auto` those shorter than `memoryLimit`. `auto` when absent. */
  readonly mode?: 'ram' | 'fs' | 'auto' | undefined
  /** In bytes. A body of this length, or longer, goes to a file. */
  readonly memoryLimit: number
  /** An existing directory. */
  readonly directory: string
}

/**
 * Takes in a body, as fast as it can be kept and no faster. What is in a file is named by 64 hexadecimal digits, for this
 * user alone to read, and lasts until the body is disposed of; after an error of the source or the disk nothing is left.
 */
export async function spoolBody(
  source: AsyncIterable<Uint8Array>,
  { mode = 'auto', memoryLimit, directory }: SpoolOptions,
): Promise<Body & AsyncDisposable> {
  const spool = new Spool(mode === 'ram' ? Number.POSITIVE_INFINITY : mode === 'fs' ? 0 : memoryLimit, directory)
  try {
    for await (const chunk of source) await spool.add(chunk)
    return await spool.end()
  } catch (error) {
    await spool.discard()
    throw error
  }
}

class Spool {
  readonly #limit: number
  readonly #directory: string
  #path = ''
  #chunks: Uint8Array[] = []
  #size = 0
  #file: FileHandle | undefined

  constructor(limit: number, directory: string) {
    this.#limit = limit
    this.#directory = directory
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#size += chunk.length
    if (this.#file) return this.#file.writeFile(chunk)
    this.#chunks.push(chunk)
    if (this.#size >= this.#limit) await this.#spill()
  }

  async end(): Promise<Body & AsyncDisposable> {
    if (this.#size >= this.#limit) await this.#spill() // an empty body, if no length may stay in memory
    if (!this.#file) return held(joined(this.#chunks), async () => {})
    await this.#file.close()
    return held(fileBody(this.#path, 0, this.#size), () => rm(this.#path, { force: true }))
  }

  async discard(): Promise<void> {
    await this.#file?.close()
    if (this.#file) await rm(this.#path, { force: true })
  }

  async #spill(): Promise<void> {
    if (this.#file) return
    this.#path = join(this.#directory, randomBytes(32).toString('hex'))
    this.#file = await open(this.#path, 'wx', 0o600)
    const chunks = this.#chunks
    this.#chunks = []
    for (const chunk of chunks) await this.#file.writeFile(chunk)
  }
}

function joined(chunks: readonly Uint8Array[]): Body {
  const [only] = chunks
  return memoryBody(only && chunks.length === 1 ? only : Buffer.concat(chunks))
}

function held(body: Body, release: () => Promise<void>): Body & AsyncDisposable {
  return {
    size: body.size,
    memory: body.memory,
    read: (start, length) => body.read(start, length),
    [Symbol.asyncDispose]: release,
  }
}
