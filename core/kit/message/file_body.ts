import { open } from 'node:fs/promises'
import type { Body } from './message.ts'

const chunkSize = 64 * 1024

/**
 * A body of `length` bytes of a file, from `start`. The file is opened anew for each reading and closed at its end, also
 * when the reader stops before. Reading throws when the file has become shorter.
 */
export function fileBody(path: string, start: number, length: number): Body {
  return {
    size: length,
    memory: undefined,
    async *read(from = 0, count = length) {
      const first = Math.min(Math.max(from, 0), length)
      const until = Math.min(first + Math.max(count, 0), length)
      if (first < until) yield* readFile(path, start + first, start + until)
    },
  }
}

async function* readFile(path: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  await using file = await open(path, 'r')
  for (let at = start; at < end; ) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkSize, end - at))
    const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
    if (bytesRead === 0) throw new Error('a body in a file ends before its time')
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}
