import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { BlobStore } from '../../core/index.ts'
import { instance } from '../support/server.ts'

const seconds = 2

/** How fast bodies get into a bucket and out of it again, with a store in a process of its own, which keeps them in memory. */
export const bench = async (): Promise<string[]> => {
  await using s3 = await store()
  const conf = `endpoint ${s3.endpoint}\nsecure no\nbucket mail\naccess_key access\nsecret_key secret`
  await using made = await instance(BlobStore, `storage.blob.s3 blobs {\n${conf}\n}`)
  const { api } = made
  const lines: string[] = []
  let count = 0
  for (const size of [1024, 102_400]) {
    const content = Buffer.alloc(size, 'x')
    for (const concurrency of [1, 10, 50]) {
      const keys: string[] = []
      const put = async (): Promise<void> => {
        const key = (count++).toString(16).padStart(32, '0')
        await api.put(key, content, size)
        keys.push(key)
      }
      const puts = await rate(concurrency, put)
      let next = 0
      const gets = await rate(concurrency, async () => {
        const key = keys[next++ % keys.length] ?? ''
        for await (const _ of api.get(key, 0, size + 1));
      })
      await api.delete(keys)
      lines.push(`S3, ${size / 1024} KB, ${concurrency} at once: ${puts} puts/s, ${gets} gets/s`)
    }
  }
  return lines
}

const rate = async (concurrency: number, work: () => Promise<void>): Promise<number> => {
  const start = performance.now()
  let done = 0
  const worker = async (): Promise<void> => {
    for (; performance.now() - start < seconds * 1000; done++) await work()
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return Math.round((done * 1000) / (performance.now() - start))
}

const program = `
import { buildApp } from 'fauxqs'
const app = buildApp({ logger: false })
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
process.stdin.on('end', () => process.exit()).resume()
`

/** A store with the bucket `mail`; its process ends when it is disposed of. */
export const store = async (): Promise<AsyncDisposable & { readonly endpoint: string }> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [address] = await once(child.stdout, 'data')
  const url = String(address).trim()
  await fetch(`${url}/mail`, { method: 'PUT' })
  return {
    endpoint: new URL(url).host,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.stdin.end()
      await exited
    },
  }
}
