import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory of its own, removed at the end of the scope. */
export async function temporaryDirectory(): Promise<{ path: string; files(): Promise<string[]> } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'tsmaddy-message-'))
  return {
    path,
    files: () => readdir(path),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Bytes in chunks of this size. */
export async function* chunked(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

export async function collect(source: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

/** Lines with CRLF between them, and no line end after the last. */
export function lines(...all: readonly string[]): Buffer {
  return Buffer.from(all.join('\r\n'), 'latin1')
}
