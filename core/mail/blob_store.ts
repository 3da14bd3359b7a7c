import { role } from '../role.ts'

/** Keeps message bodies by key. A key is 32 lower-case hexadecimal digits. */
export interface BlobStore {
  /** Resolves once the blob is on stable storage. `size` is told when it is known. On failure nothing is left behind. */
  put(key: string, content: AsyncIterable<Uint8Array> | Uint8Array, size?: number): Promise<void>
  /** The blob, or `length` bytes from `start`. Throws BlobMissing when there is none. */
  get(key: string, start?: number, length?: number): AsyncIterable<Uint8Array>
  /** A blob that is not there is no error. */
  delete(keys: readonly string[]): Promise<void>
  /** Every key with its age, for the search for blobs that nothing refers to. */
  list(): AsyncIterable<{ readonly key: string; readonly modified: Date }>
}

export const BlobStore = role<BlobStore>('blob_store', 'storage.blob')

/** There is no blob of that key. */
export class BlobMissing extends Error {
  override readonly name = 'BlobMissing'
  readonly key: string

  constructor(key: string, options?: ErrorOptions) {
    super(`blob ${key} is missing`, options)
    this.key = key
  }
}

/** Says that bodies are to be kept where the messages are: in the same database, and in the same commit. */
export interface BlobsInside {
  readonly inside: true
}

export const BlobsInside = role<BlobsInside>('blobs_inside', 'storage.blob')
