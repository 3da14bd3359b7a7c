import { role } from '../role.ts'

/** Keeps message bodies by key. A key is 32 lower-case hexadecimal digits. */
export interface BlobStore {
  /**
   * Resolves once the blob is on stable storage. `size` is told when it is known. On failure nothing is left behind; only
   * after BlobUnavailable there may be something.
   */
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

/** The store cannot be used now. Of a blob that was being put it is not known whether it is there. */
export class BlobUnavailable extends Error {
  override readonly name = 'BlobUnavailable'
  /** As an error of a file system would have it: `ENOSPC` when there is no room left. */
  readonly code: 'EIO' | 'ENOSPC'

  constructor(message: string, { code = 'EIO', ...options }: ErrorOptions & { readonly code?: 'EIO' | 'ENOSPC' } = {}) {
    super(message, options)
    this.code = code
  }
}

/** A storage that keeps bodies in a store of blobs, and so can tell which blobs nothing refers to. */
export interface BlobOwner {
  /** Whether it has a store; without one bodies are in its database. */
  readonly hasBlobs: boolean
  /**
   * Goes through the whole store, and tells of each part of it how many blobs it has looked at, and which of them nothing
   * refers to. They are older than `minAge`, in milliseconds, and no delivery that goes on can be about to refer to them.
   */
  unreferenced(minAge: number): AsyncIterable<{ readonly looked: number; readonly keys: readonly string[] }>
  /** Deletes those of the blobs that still nothing refers to; resolves to their keys. */
  discard(keys: readonly string[]): Promise<readonly string[]>
}

export const BlobOwner = role<BlobOwner>('blob_owner', 'storage')

/** Says that bodies are to be kept where the messages are: in the same database, and in the same commit. */
export interface BlobsInside {
  readonly inside: true
}

export const BlobsInside = role<BlobsInside>('blobs_inside', 'storage.blob')
