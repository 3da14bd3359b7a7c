import type { BlobStore, Body, Logger } from '../../../../core/index.ts'
import { BlobMissing, StorageError } from '../../../../core/index.ts'
import type { Algorithm } from '../../../../core/kit/compression/index.ts'
import { decompressStream } from '../../../../core/kit/compression/index.ts'
import { memoryBody } from '../../../../core/kit/message/index.ts'
import { WriterError } from '../../../../core/kit/sql/writer/index.ts'
import type { Engine } from '../engine.ts'

/** Up to here a message is read as a whole, and so found out to be wrong before any of it is sent. */
const inMemory = 1024 * 1024

interface Stored {
  readonly key: string
  readonly size: number
  /** The octets as they are stored, from anywhere. */
  readonly source: (start?: number, length?: number) => AsyncIterable<Uint8Array>
}

/** The octets of a message. Throws StorageError `expunged` when there is none, `corrupt` when they are not all there. */
export const readBody = async (
  engine: Engine,
  store: BlobStore | null,
  mailbox: number,
  uid: number,
  log: Logger,
): Promise<Body> => {
  const [row] = await engine.query<[string | null, string | null, number, Uint8Array | null]>(
    `SELECT m.extbodykey, m.compressalgo, m.bodylen, b.data FROM msgs m
      LEFT JOIN tsmaddy_blobs b ON b.id = m.extbodykey AND b.part = 0 WHERE m.mboxid = $1 AND m.msgid = $2`,
    [mailbox, uid],
  )
  if (!row) throw new StorageError('expunged', 'The message is gone')
  const [key, compression, size, first] = row
  try {
    if (key === null) throw new Error('the message has no body')
    const source = first ? inDatabase(engine, key, first) : outside(store, key)
    const algorithm = algorithmOf(compression)
    if (!algorithm) return await checked({ key, size, source }, true)
    // Of a large one nothing is read before its first byte is on its way to a client: it has to be there.
    if (size > inMemory) for await (const _ of source(0, 1)) break
    return await checked({ key, size, source: () => decompressStream(algorithm, source()) }, false)
  } catch (cause) {
    if (!isCorrupt(cause)) throw cause
    log.error('message body unreadable', cause, { key, uid })
    throw new StorageError('corrupt', 'The content of the message cannot be read', { cause })
  }
}

/** Only what cannot become better by waiting is the fault of the content; the rest is an outage. */
const isCorrupt = (error: unknown): boolean => {
  if (!(error instanceof Error)) return true
  if ('errcode' in error && typeof error.errcode === 'number') return damaged.includes(error.errcode & 0xff)
  if (error instanceof WriterError) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E')) return /^XX00[12]$/.test(code) // of PostgreSQL
  return !/^E[A-Z]+$/.test(code)
}

const damaged: readonly number[] = [11, 26] // SQLITE_CORRUPT, SQLITE_NOTADB

/** maddy writes the level after the algorithm. */
const algorithmOf = (written: string | null): Algorithm | undefined => {
  const [name = ''] = (written ?? '').split(' ')
  if (name === '' || name === 'off') return undefined
  if (name === 'lz4' || name === 'zstd') return name
  throw new Error(`the body is compressed with ${name}, which is unknown`)
}

const outside =
  (store: BlobStore | null, key: string): Stored['source'] =>
  (start, length) => {
    if (!store) throw new BlobMissing(key)
    return store.get(key, start, length)
  }

/** Pieces have the length of the first but for the last one. */
const inDatabase = (engine: Engine, key: string, first: Uint8Array): Stored['source'] =>
  async function* (start = 0, length = Number.MAX_SAFE_INTEGER) {
    const end = start + length
    for (let part = Math.floor(start / Math.max(first.length, 1)); part * first.length < end; part++) {
      const data = part === 0 ? first : await piece(engine, key, part)
      if (!data) return
      const at = part * first.length
      const wanted = data.subarray(Math.max(start - at, 0), Math.min(end - at, data.length))
      if (wanted.length > 0) yield wanted
      if (first.length === 0) return
    }
  }

const piece = async (engine: Engine, key: string, part: number): Promise<Uint8Array | undefined> => {
  const [row] = await engine.query<[Uint8Array]>('SELECT data FROM tsmaddy_blobs WHERE id = $1 AND part = $2', [
    key,
    part,
  ])
  return row?.[0]
}

const checked = async ({ key, size, source }: Stored, seekable: boolean): Promise<Body> => {
  if (size <= inMemory) {
    const bytes = Buffer.concat(await Array.fromAsync(source(0, size + 1)))
    if (bytes.length !== size) throw wrongSize(key, size, bytes.length)
    return memoryBody(bytes)
  }
  if (seekable) {
    // One byte is there and the one after it is not: so all of it is there, without reading it twice.
    const last = Buffer.concat(await Array.fromAsync(source(size - 1, 2)))
    if (last.length !== 1) throw wrongSize(key, size, size - 1 + last.length)
  }
  return {
    size,
    memory: undefined,
    read(start = 0, length = size) {
      const wanted = Math.max(Math.min(length, size - start), 0)
      return exactly(seekable ? source(start, wanted) : range(source(), start, wanted), wanted)
    },
  }
}

const wrongSize = (key: string, size: number, found: number): Error =>
  new Error(`blob ${key} should have ${size} bytes but has ${found > size ? 'more' : found}`)

/** Passes all bytes on; throws when there are fewer than `length`. */
async function* exactly(source: AsyncIterable<Uint8Array>, length: number): AsyncIterable<Uint8Array> {
  let count = 0
  for await (const chunk of source) {
    count += chunk.length
    yield chunk
  }
  if (count < length) throw new StorageError('corrupt', 'The content of the message ends too soon')
}

/** A part of a stream that can only be read from its start. */
async function* range(source: AsyncIterable<Uint8Array>, start: number, length: number): AsyncIterable<Uint8Array> {
  let at = 0
  const end = start + length
  for await (const chunk of source) {
    const wanted = chunk.subarray(Math.max(start - at, 0), Math.max(end - at, 0))
    if (wanted.length > 0) yield wanted
    at += chunk.length
    if (at >= end) return
  }
}
