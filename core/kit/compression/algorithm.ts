import { once } from 'node:events'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createZstdCompress, createZstdDecompress, zstdCompress } from 'node:zlib'

/** How stored bytes are made smaller: a stream of LZ4 frames, or a Zstandard stream (RFC 8878). */
export type Algorithm = 'lz4' | 'zstd'

/** The library that writes Zstandard knows four classes of effort; these levels stand for them. */
const zstdLevel = (level: number): number => {
  if (level < 3) return 1
  if (level < 6) return 3
  return level < 10 ? 7 : 11
}

const zstd = promisify(zstdCompress)

/** Compresses bytes in memory, in the thread pool. `level` is Zstandard's; LZ4 has but one. */
export const compressBytes = async (algorithm: Algorithm, bytes: Uint8Array, level = 3): Promise<Buffer> => {
  if (algorithm === 'lz4') return (await lz4()).compressFrame(bytes)
  return zstd(bytes, { params: { [constants.ZSTD_c_compressionLevel]: zstdLevel(level) } })
}

/** Compresses a stream. LZ4 gathers it in memory first. */
export async function* compressStream(
  algorithm: Algorithm,
  source: AsyncIterable<Uint8Array>,
  level = 3,
): AsyncIterable<Uint8Array> {
  if (algorithm === 'lz4') {
    yield await compressBytes('lz4', await gather(source))
    return
  }
  const params = { [constants.ZSTD_c_compressionLevel]: zstdLevel(level) }
  yield* through(source, createZstdCompress({ params }))
}

/** Undoes either. Throws when the bytes are not what `algorithm` writes, or end too soon. */
export async function* decompressStream(
  algorithm: Algorithm,
  source: AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  if (algorithm === 'lz4') {
    yield await (await lz4()).decompressFrame(await gather(source))
    return
  }
  yield* through(source, createZstdDecompress())
}

/** The binding is a native library: loaded by those who use it. */
const lz4 = async () => (await import('lz4-napi')).default

const gather = async (source: AsyncIterable<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(source))

/** Passes bytes through a codec; an error of either side is thrown, and leaving early stops both. */
async function* through(
  source: AsyncIterable<Uint8Array>,
  codec: ReturnType<typeof createZstdCompress>,
): AsyncIterable<Uint8Array> {
  const input = Readable.from(source)
  input.on('error', (error) => codec.destroy(error))
  try {
    yield* input.pipe(codec) as AsyncIterable<Uint8Array>
  } finally {
    input.destroy()
    if (!codec.closed && !codec.destroyed) codec.destroy()
    if (!codec.closed) await once(codec, 'close').catch(() => undefined)
  }
}
