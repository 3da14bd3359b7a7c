import type { BlobStore, Body, Logger } from '../../../../core/index.ts'
import type { Algorithm } from '../../../../core/kit/compression/index.ts'
import { compressBytes, compressStream } from '../../../../core/kit/compression/index.ts'
import type { Engine } from '../engine.ts'
import type { NewRow } from '../operations/add_messages.ts'
import { newKey } from './key.ts'
import { readBody } from './read_body.ts'

export interface Compression {
  readonly algorithm: Algorithm
  readonly level: number
}

export type KeptBody = Pick<NewRow, 'key' | 'compression' | 'inline'>

/** Bytes of a body in one row of the database. */
const piece = 256 * 1024

/** Where the octets of messages are: in a store of blobs, or in the database itself. */
export class Bodies {
  /** Null when bodies are kept in the database, in the transaction that adds the message. */
  readonly store: BlobStore | null
  readonly #engine: Engine
  readonly #compression: Compression | undefined
  readonly #lease: string
  readonly #log: Logger

  constructor(
    engine: Engine,
    store: BlobStore | null,
    { compression, lease, log }: { compression: Compression | undefined; lease: string; log: Logger },
  ) {
    this.#engine = engine
    this.store = store
    this.#compression = compression
    this.#lease = lease
    this.#log = log
  }

  /**
   * Puts a body on stable storage outside, or gives it in pieces to be kept with the message. `rows` makes of the bodies
   * kept what `use` is to add; when that fails, what is outside is deleted again.
   */
  async keep<T>(
    contents: readonly Body[],
    use: (gather: () => Promise<readonly KeptBody[]>, bytes: number) => Promise<T>,
  ): Promise<T> {
    if (!this.store) {
      const bytes = contents.reduce((sum, { size }) => sum + size, 0)
      return use(() => Promise.all(contents.map((content) => this.#inline(content))), bytes)
    }
    const kept: KeptBody[] = []
    try {
      for (const content of contents) kept.push(await this.#outside(this.store, content))
      return await use(async () => kept, 0)
    } catch (error) {
      await this.#undo(kept.map(({ key }) => key))
      throw error
    }
  }

  /** The octets of a stored message. Throws StorageError `expunged`, `corrupt`. */
  read(mailbox: number, uid: number): Promise<Body> {
    return readBody(this.#engine, this.store, mailbox, uid, this.#log)
  }

  /** Deletes bodies that no message has any more; those that cannot be deleted now are left to the next sweep. */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || !this.store) return
    try {
      await this.store.delete(keys)
      await this.#engine.run('forgetDoomed', { keys })
    } catch (error) {
      this.#log.error('bodies not deleted', error, { keys: keys.length })
    }
  }

  async #undo(keys: readonly string[]): Promise<void> {
    await this.store?.delete(keys).catch((error) => this.#log.error('bodies not deleted', error, { keys: keys.length }))
  }

  async #inline(content: Body): Promise<KeptBody> {
    const bytes = content.memory ?? Buffer.concat(await Array.fromAsync(content.read()))
    const { algorithm, level } = this.#compression ?? {}
    const stored = algorithm ? await compressBytes(algorithm, bytes, level) : bytes
    const inline: Uint8Array[] = []
    for (let at = 0; at < stored.length || at === 0; at += piece) inline.push(own(stored.subarray(at, at + piece)))
    return { key: newKey(this.#lease), compression: algorithm ?? '', inline }
  }

  async #outside(store: BlobStore, content: Body): Promise<KeptBody> {
    const key = newKey(this.#lease)
    const { algorithm, level } = this.#compression ?? {}
    if (!algorithm) {
      await store.put(key, content.memory ?? content.read(), content.size)
    } else if (content.memory) {
      const bytes = await compressBytes(algorithm, content.memory, level)
      await store.put(key, bytes, bytes.length)
    } else {
      await store.put(key, compressStream(algorithm, content.read(), level))
    }
    return { key, compression: algorithm ?? '' }
  }
}

/** Bytes with a buffer of exactly their size: on their way to another thread the whole buffer is copied. */
const own = (bytes: Uint8Array): Uint8Array =>
  bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
