import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deliver, message, open } from '../modules/storage/support.ts'

const kilobyte = message(
  `From: a@example.net\nTo: b@example.org\nSubject: bench\n\n${'x'.repeat(76)}\n`.padEnd(1000, `${'y'.repeat(76)}\n`),
)

/** How fast mail is stored durably, beside what the disk and SQLite would allow. */
export const bench = async (): Promise<string[]> => {
  const lines = [`fdatasync: ${await syncs()}/s`]
  for (const group of [1, 50]) lines.push(`SQLite alone, transactions of ${group}: ${await inserts(group)} messages/s`)
  for (const store of ['sql', 'fs messages']) {
    for (const concurrency of [1, 10, 50]) {
      lines.push(`msg_store ${store}, ${concurrency} at once: ${await deliveries(store, concurrency)} messages/s`)
    }
  }
  return lines
}

const seconds = 2

const rate = (count: number, since: number): number => Math.round((count * 1000) / (performance.now() - since))

const syncs = async (): Promise<number> => {
  const file = join(tmpdir(), `tsmaddy-bench-${process.pid}`)
  const descriptor = openSync(file, 'w')
  const block = Buffer.alloc(4096)
  const start = performance.now()
  let count = 0
  for (; performance.now() - start < 1000; count++) {
    writeSync(descriptor, block, 0, block.length, count * block.length)
    fdatasyncSync(descriptor)
  }
  closeSync(descriptor)
  rmSync(file)
  return rate(count, start)
}

const inserts = async (group: number): Promise<number> => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-bench-'))
  const db = new DatabaseSync(join(directory, 'bench.db'))
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE m (id INTEGER PRIMARY KEY, body BLOB)')
  const insert = db.prepare('INSERT INTO m (body) VALUES (?)')
  const body = Buffer.alloc(1000, 'x')
  const start = performance.now()
  let count = 0
  while (performance.now() - start < 1000) {
    db.exec('BEGIN IMMEDIATE')
    for (let n = 0; n < group; n++, count++) insert.run(body)
    db.exec('COMMIT')
  }
  const result = rate(count, start)
  db.close()
  await rm(directory, { recursive: true })
  return result
}

const deliveries = async (store: string, concurrency: number): Promise<number> => {
  await using made = await open(`msg_store ${store}`)
  await made.storage.create('b@example.org', [])
  let count = 0
  const work = async (until: number): Promise<void> => {
    for (; performance.now() < until; count++) await deliver(made.storage, ['b@example.org'], kilobyte)
  }
  await work(performance.now() + 500) // warm
  count = 0
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, () => work(start + seconds * 1000)))
  return rate(count, start)
}

if (import.meta.main) for (const line of await bench()) console.log(line)
