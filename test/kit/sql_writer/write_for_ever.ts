import { SqlWriter } from '../../../core/kit/sql/writer/index.ts'
import type * as operations from './operations.ts'

/** Writes rows to the file given until it is killed, and prints the text of each once it is acknowledged. */
const writer = await SqlWriter.open<typeof operations>({
  file: process.argv[2] ?? '',
  operations: new URL('./operations.ts', import.meta.url),
})
await writer.run('setUp', undefined as never)
let next = 0
const work = async (): Promise<void> => {
  for (;;) {
    const text = `t${next++}`
    await writer.run('add', { text })
    process.stdout.write(`${text}\n`)
  }
}
await Promise.all(Array.from({ length: 20 }, work))
