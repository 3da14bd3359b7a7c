import { createHash, sign as signBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import { generateKey, type NewKeyAlgorithm } from '../../core/kit/dkim/index.ts'
import { number, table } from './load/table.ts'

const together = 50
const total = 3000
const text = Buffer.alloc(1500, 'x')
const signAsync = promisify(signBytes)

/** What signing costs the event loop, on the main thread and in the pool of threads, while 50 messages are at it. */
export const bench = async (): Promise<string> => {
  const rows: string[][] = []
  for (const algorithm of ['rsa2048', 'rsa4096', 'ed25519'] as const satisfies readonly NewKeyAlgorithm[]) {
    const { privateKey } = await generateKey(algorithm)
    const hash = algorithm === 'ed25519' ? null : 'sha256'
    const data = hash === null ? createHash('sha256').update(text).digest() : text
    const ways = {
      'main thread': async () => signBytes(hash, data, privateKey),
      'thread pool': () => signAsync(hash, data, privateKey),
    }
    for (const [way, sign] of Object.entries(ways)) {
      await run(sign, 200) // compiles what is hot
      rows.push([`${algorithm}, ${way}`, ...(await run(sign, algorithm === 'rsa4096' ? total / 5 : total))])
    }
  }
  return table(['signing', 'signatures/s', 'loop p50 ms', 'loop p99 ms', 'loop max ms', 'main thread busy'], rows)
}

/** Each of the 50 signs, lets the loop turn as a connection does that waits for bytes, and signs the next. */
const run = async (sign: () => Promise<Buffer>, count: number): Promise<string[]> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const idle = performance.eventLoopUtilization()
  const started = performance.now()
  delay.enable()
  let left = count
  await Promise.all(
    Array.from({ length: together }, async () => {
      while (left-- > 0) {
        await sign()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  delay.disable()
  const seconds = (performance.now() - started) / 1000
  const { utilization } = performance.eventLoopUtilization(idle)
  const milliseconds = (nanoseconds: number) => number(nanoseconds / 1e6)
  return [
    number(count / seconds),
    milliseconds(delay.percentile(50)),
    milliseconds(delay.percentile(99)),
    milliseconds(delay.max),
    `${number(utilization * 100)} %`,
  ]
}

if (import.meta.main) console.log(await bench())
