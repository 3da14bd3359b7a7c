import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { ListMultipartUploadsCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import type { BlobStore } from '../../../../core/index.ts'
import { BlobMissing } from '../../../../core/index.ts'
import type { Connection } from './connection.ts'
import { attempts } from './connection.ts'
import { isBeyondEnd, isEnded, isMissing, isUnknownRequest, unavailable } from './failure.ts'
import { Slots } from './slots.ts'

/** The smallest part that an object may be put together from, but for the last; bytes. */
const partSize = 5 * 1024 * 1024

/** Streams that are put at once; each of them keeps a part in memory, so that it can be sent again. */
const streamsAtOnce = 8

/** Keys that one request can delete. */
const deletedAtOnce = 1000

/** Requests at once to a store that deletes one by one. */
const deletionsAtOnce = 8

/** The objects of a bucket that are named by a prefix and a key. */
export class S3Blobs implements BlobStore {
  readonly #connection: Connection
  readonly #prefix: string
  readonly #streams = new Slots(streamsAtOnce)
  #oneByOne = false

  constructor(connection: Connection, prefix: string) {
    this.#connection = connection
    this.#prefix = prefix
  }

  async put(key: string, content: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    const object = this.#object(key)
    if (!(content instanceof Uint8Array && content.length <= partSize)) return await this.#upload(key, content)
    try {
      await this.#connection.s3.putObject({ ...object, Body: content, ContentLength: content.length })
    } catch (error) {
      throw unavailable(`blob ${key} not stored`, error)
    }
  }

  /** In parts, each of which is sent again when need be; as one object, when it is not longer than a part. */
  async #upload(key: string, content: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    const { s3, closed, patience } = this.#connection
    const { Upload } = await import('@aws-sdk/lib-storage')
    let broken: { readonly error: unknown } | undefined
    const note = (error: unknown): void => {
      broken = { error }
    }
    const body = content instanceof Uint8Array ? content : Readable.from(watched(content, note))
    try {
      using _slot = await this.#streams.take(AbortSignal.any([closed, AbortSignal.timeout(patience)]))
      // Two parts at once would go on to the end of the content after one of them has failed.
      await new Upload({ client: s3, params: { ...this.#object(key), Body: body }, partSize, queueSize: 1 }).done()
    } catch (error) {
      if (broken) throw broken.error
      if (isEnded(error) && (await this.#exists(key))) return
      throw unavailable(`blob ${key} not stored`, error)
    } finally {
      if (body instanceof Readable) body.destroy()
    }
  }

  /** The answer to the end of an upload may have been lost, and that it cannot be ended twice is no failure. */
  async #exists(key: string): Promise<boolean> {
    return this.#connection.s3.headObject(this.#object(key)).then(
      () => true,
      () => false,
    )
  }

  async *get(key: string, start = 0, length?: number): AsyncIterable<Uint8Array> {
    const object = this.#object(key)
    const end = length === undefined ? undefined : start + length
    let at = start
    for (let failures = 0; end === undefined || at < end; ) {
      const body = await this.#open(key, object, at, end)
      if (!body) return
      try {
        for await (const chunk of body as AsyncIterable<Uint8Array>) {
          at += chunk.length
          failures = 0
          yield chunk
        }
        return
      } catch (error) {
        // Cut off in the middle, or closed because the reader took its time: the rest is asked for.
        if (++failures === attempts || this.#connection.closed.aborted) {
          throw unavailable(`blob ${key} not read to its end`, error)
        }
        await pause(100 * 2 ** failures * Math.random())
      } finally {
        body.destroy()
      }
    }
  }

  /** A stream of the bytes from `at` on; undefined when there are none. */
  async #open(
    key: string,
    object: { readonly Bucket: string; readonly Key: string },
    at: number,
    end: number | undefined,
  ): Promise<Readable | undefined> {
    const ranged = at > 0 || end !== undefined
    try {
      const { Body, ContentRange } = await this.#connection.s3.getObject({
        ...object,
        ...(ranged && { Range: `bytes=${at}-${end === undefined ? '' : end - 1}` }),
      })
      if (!(Body instanceof Readable)) throw new Error('the answer has no body')
      if (!ranged || ContentRange?.startsWith(`bytes ${at}-`)) return Body
      Body.destroy()
      throw new Error('the store gives whole objects only')
    } catch (error) {
      if (isBeyondEnd(error)) return undefined
      if (isMissing(error)) throw new BlobMissing(key, { cause: error })
      throw unavailable(`blob ${key} not read`, error)
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const names = keys.map((key) => this.#object(key).Key)
    for (let at = 0; at < names.length; at += deletedAtOnce) {
      const batch = names.slice(at, at + deletedAtOnce)
      try {
        if (batch.length === 1 || this.#oneByOne || !(await this.#deleteTogether(batch))) await this.#deleteEach(batch)
      } catch (error) {
        throw unavailable(`${batch.length === 1 ? `blob ${keys[at]}` : `${batch.length} blobs`} not deleted`, error)
      }
    }
  }

  /** False when the store cannot do that. */
  async #deleteTogether(names: readonly string[]): Promise<boolean> {
    const { s3, bucket: Bucket } = this.#connection
    try {
      const Objects = names.map((Key) => ({ Key }))
      const { Errors = [] } = await s3.deleteObjects({ Bucket, Delete: { Objects, Quiet: true } })
      const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
      if (first) throw new Error(`${first.Key}: ${first.Code}: ${first.Message}`)
      return true
    } catch (error) {
      if (!isUnknownRequest(error)) throw error
      this.#oneByOne = true
      return false
    }
  }

  async #deleteEach(names: readonly string[]): Promise<void> {
    const { s3, bucket: Bucket } = this.#connection
    const left = [...names]
    const work = async (): Promise<void> => {
      for (let Key = left.pop(); Key !== undefined; Key = left.pop()) {
        await s3.deleteObject({ Bucket, Key }).catch((error) => {
          if (!isMissing(error)) throw error
        })
      }
    }
    await Promise.all(Array.from({ length: Math.min(deletionsAtOnce, names.length) }, work))
  }

  async *list(): AsyncIterable<{ key: string; modified: Date }> {
    const { s3, bucket: Bucket } = this.#connection
    let token: string | undefined
    do {
      const page: ListObjectsV2CommandOutput = await s3
        .listObjectsV2({ Bucket, Prefix: this.#prefix, ...(token !== undefined && { ContinuationToken: token }) })
        .catch((error) => {
          throw unavailable('blobs not listed', error)
        })
      for (const { Key = '', LastModified } of page.Contents ?? []) {
        const key = Key.slice(this.#prefix.length)
        if (Key.startsWith(this.#prefix) && isKey(key) && LastModified) yield { key, modified: LastModified }
      }
      token = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (token !== undefined)
  }

  /** Gives up what others began to put in parts before that time, and never ended; resolves to how many there were. */
  async removeUnfinished(before: Date): Promise<number> {
    const { s3, bucket: Bucket } = this.#connection
    let removed = 0
    let next: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (next) {
      const page: ListMultipartUploadsCommandOutput = await s3.listMultipartUploads({
        Bucket,
        Prefix: this.#prefix,
        ...next,
      })
      for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
        if (!isKey(Key.slice(this.#prefix.length)) || UploadId === undefined) continue
        if (Initiated === undefined || Initiated >= before) continue
        await s3.abortMultipartUpload({ Bucket, Key, UploadId })
        removed++
      }
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      next = IsTruncated && KeyMarker ? { KeyMarker, ...(UploadIdMarker && { UploadIdMarker }) } : undefined
    }
    return removed
  }

  #object(key: string): { readonly Bucket: string; readonly Key: string } {
    if (!isKey(key)) throw new RangeError(`${JSON.stringify(key)} is no key of a blob`)
    return { Bucket: this.#connection.bucket, Key: this.#prefix + key }
  }
}

const isKey = (text: string): boolean => /^[0-9a-f]{32}$/.test(text)

/** Passes everything on, and tells of an error of the source; who stops reading may throw an error in as well. */
async function* watched(source: AsyncIterable<Uint8Array>, onError: (error: unknown) => void) {
  const reading = source[Symbol.asyncIterator]()
  const next = () =>
    reading.next().catch((error) => {
      onError(error)
      throw error
    })
  try {
    for (let item = await next(); !item.done; item = await next()) yield item.value
  } finally {
    await reading.return?.()
  }
}
