import { newProcess, postgresProcess } from './process.ts'
import { deliver, simple } from './support.ts'

/** Delivers messages until it is killed, ten at once, and prints the subject of each once it is acknowledged. `file` may be a DSN. */
const [file = '', directory = '', round = '', bodies = ''] = process.argv.slice(2)
const { storage } = file.includes('host=')
  ? await postgresProcess(file)
  : await newProcess(file, directory, { files: bodies === 'files' })
await storage.open('b@x.org')
let next = 0
const work = async (): Promise<void> => {
  for (;;) {
    const subject = `r${round}n${next++}`
    process.stdout.write(`sent ${subject}\n`)
    await deliver(storage, ['b@x.org'], simple(subject, `${subject.repeat(50)}\n`))
    process.stdout.write(`done ${subject}\n`)
  }
}
await Promise.all(Array.from({ length: 10 }, work))
