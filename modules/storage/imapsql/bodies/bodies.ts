import type { BlobStore, Body, Logger } from '../../../../core/index.ts'
import { BlobUnavailable } from '../../../../core/index.ts'
import type { Algorithm } from '../../../../core/kit/compression/index.ts'
import { compressBytes, compressStream } from '../../../../core/kit/compression/index.ts'
import { WriterError } from '../../../../core/kit/sql/writer/index.ts'
import type { Engine } from '../engine.ts'
import type { NewRow } from '../operations/add_messages.ts'
import type { Lease } from './key.ts'
import { newKey } from './key.ts'
import { pieceGroups, piecesOf } from './pieces.ts'
import { readBody } from './read_body.ts'
import { unreferenced, withoutMessage } from './unreferenced.ts'

export interface Compression {
  readonly algorithm: Algorithm
  readonly level: number
}

export type KeptBody = Pick<NewRow, 'key' | 'compression' | 'inline' | 'staged'>

/** Bytes of bodies that go to the database with the rows that name them; more would fill the memory. */
const together = 8 * 1024 * 1024

/** Pieces of a larger body that are put into the database at once. */
const atOnce = 16

/** Bodies of one message that are put into a store at once: one for each account, and a store may be far away. */
const putAtOnce = 8

/** How long who removes messages waits for their bodies to be deleted; milliseconds. */
const removalWait = 3000

/** Where the octets of messages are: in a store of blobs, or in the database itself. */
export class Bodies {
  /** Null when bodies are kept in the database, in the transaction that adds the message. */
  readonly store: BlobStore | null
  readonly #engine: Engine
  readonly #compression: Compression | undefined
  readonly #lease: Lease
  readonly #log: Logger

  constructor(
    engine: Engine,
    store: BlobStore | null,
    { compression, lease, log }: { compression: Compression | undefined; lease: Lease; log: Logger },
  ) {
    this.#engine = engine
    this.store = store
    this.#compression = compression
    this.#lease = lease
    this.#log = log
  }

  /**
   * Puts bodies on stable storage, or gives them in pieces to be kept with the messages. What `gather` of `use` resolves to
   * says where they are; when `use` fails, what was put down before is deleted again.
   */
  async keep<T>(
    contents: readonly Body[],
    use: (gather: () => Promise<readonly KeptBody[]>, bytes: number) => Promise<T>,
  ): Promise<T> {
    const { store } = this
    if (store) return this.#ahead(contents, (key, content) => this.#outside(store, key, content), use, putAtOnce)
    const bytes = contents.reduce((sum, { size }) => sum + size, 0)
    if (bytes > together) return this.#ahead(contents, (key, content) => this.#staged(key, content), use)
    return use(() => Promise.all(contents.map((content) => this.#inline(content))), bytes)
  }

  /** Puts bodies down before the messages are added. */
  async #ahead<T>(
    contents: readonly Body[],
    put: (key: string, content: Body) => Promise<KeptBody>,
    use: (gather: () => Promise<readonly KeptBody[]>, bytes: number) => Promise<T>,
    width = 1,
  ): Promise<T> {
    const keys: string[] = []
    const kept: KeptBody[] = []
    const left = [...contents.entries()].reverse()
    const work = async (): Promise<void> => {
      for (let next = left.pop(); next; next = left.pop()) {
        const [index, content] = next
        const key = newKey(this.#lease)
        keys.push(key)
        kept[index] = await put(key, content).catch((error) => {
          left.length = 0 // none of the others is of any use now
          throw error
        })
      }
    }
    try {
      const workers = await Promise.allSettled(Array.from({ length: Math.min(width, contents.length) }, work))
      const failed = workers.find((worker) => worker.status === 'rejected')
      if (failed) throw failed.reason
      return await use(async () => kept, 0)
    } catch (error) {
      await this.#undo(keys, error)
      throw error
    }
  }

  /** The octets of a stored message. Throws StorageError `expunged`, `corrupt`. */
  read(mailbox: number, uid: number): Promise<Body> {
    return readBody(this.#engine, this.store, mailbox, uid, this.#log)
  }

  /**
   * Deletes bodies that no message has any more; those that cannot be deleted now are left to the next sweep. A store that
   * takes its time is not waited for: the messages are gone already.
   */
  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || !this.store) return
    const { promise: enough, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, removalWait)
    await Promise.race([this.#delete(this.store, keys), enough])
    clearTimeout(timer)
  }

  async #delete(store: BlobStore, keys: readonly string[]): Promise<void> {
    try {
      await store.delete(keys)
      await this.#engine.run('forgetDoomed', { keys })
    } catch (error) {
      this.#log.error('bodies not deleted', error, { keys: keys.length })
    }
  }

  /** Blobs without a message, and without a process that could be about to add one. */
  unreferenced(minAge: number): AsyncIterable<{ readonly looked: number; readonly keys: readonly string[] }> {
    return unreferenced(this.#engine, this.#storeThere, minAge)
  }

  /** Deletes those that still have no message; resolves to their keys. */
  async discard(keys: readonly string[]): Promise<readonly string[]> {
    const found = await withoutMessage(this.#engine, keys)
    await this.#storeThere.delete(found)
    await this.#engine.run('forgetDoomed', { keys: found })
    return found
  }

  get #storeThere(): BlobStore {
    if (!this.store) throw new Error('bodies are kept in the database, and not in a store')
    return this.store
  }

  async #undo(keys: readonly string[], failure: unknown): Promise<void> {
    // The messages may have been added all the same, and then these are theirs. Of a store that does not answer it is
    // not known what it has, and the sender is not to wait for more answers that do not come.
    if ((failure instanceof WriterError && failure.kind === 'broken') || failure instanceof BlobUnavailable) {
      this.#lease.untidy = true
      return
    }
    try {
      if (this.store) await this.store.delete(keys)
      else await this.#engine.run('dropStaged', { keys })
    } catch (error) {
      this.#lease.untidy = true
      this.#log.error('bodies not deleted', error, { keys: keys.length })
    }
  }

  async #inline(content: Body): Promise<KeptBody> {
    const bytes = content.memory ?? Buffer.concat(await Array.fromAsync(content.read()))
    const { algorithm, level } = this.#compression ?? {}
    const stored = algorithm ? await compressBytes(algorithm, bytes, level) : bytes
    return { key: newKey(this.#lease), compression: algorithm ?? '', inline: piecesOf(stored) }
  }

  async #staged(key: string, content: Body): Promise<KeptBody> {
    const { algorithm, level } = this.#compression ?? {}
    const stored = algorithm ? compressStream(algorithm, content.read(), level) : content.read()
    let part = 0
    for await (const pieces of pieceGroups(stored, atOnce)) {
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
      await this.#engine.run('stageBody', { key, part, pieces }, bytes)
      part += pieces.length
    }
    return { key, compression: algorithm ?? '', staged: true }
  }

  async #outside(store: BlobStore, key: string, content: Body): Promise<KeptBody> {
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
