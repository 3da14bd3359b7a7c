import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { postgresOptions } from '../../core/kit/sql/postgres_options.ts'
import { postgresSchemas, runOn, sqliteFiles } from '../modules/storage/databases.ts'
import { deliver, message, open } from '../modules/storage/support.ts'
import { postgres } from '../support/postgres.ts'

const kilobyte = message(
  `From: a@example.net\nTo: b@example.org\nSubject: bench\n\n${'x'.repeat(76)}\n`.padEnd(1000, `${'y'.repeat(76)}\n`),
)

/** How fast mail is stored durably, beside what the disk and the database would allow. */
export const bench = async (engines: readonly string[] = ['sqlite', 'postgres']): Promise<string[]> => {
  const lines = [`fdatasync: ${await syncs()}/s`]
  if (engines.includes('sqlite')) {
    runOn(sqliteFiles)
    for (const group of [1, 50]) {
      lines.push(`SQLite alone, transactions of ${group}: ${await inserts(group)} messages/s`)
    }
    for (const store of ['sql', 'fs messages']) lines.push(...(await allDeliveries('sqlite', store)))
  }
  if (engines.includes('postgres')) {
    await using server = await postgres({ durable: true })
    for (const connections of [1, 10]) {
      lines.push(
        `PostgreSQL alone, a row in each commit, ${connections} connections: ${await commits(server.dsn(), connections)} commits/s`,
      )
    }
    runOn(postgresSchemas(server))
    for (const store of ['sql', 'fs messages']) lines.push(...(await allDeliveries('postgres', store)))
    lines.push(...(await allDeliveries('postgres', 'sql', 20)))
    runOn(sqliteFiles)
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

/** Rows of a kilobyte, each in a transaction of its own, one after the other on each connection; a second. */
export const commits = async (dsn: string, connections: number): Promise<number> => {
  const { shared } = await postgresOptions(dsn, { path: (written) => written, env: {} })
  const pool = new pg.Pool({ ...shared, max: connections })
  await pool.query('CREATE TABLE IF NOT EXISTS bench (id bigserial PRIMARY KEY, body bytea)')
  const body = Buffer.alloc(1000, 'x')
  const start = performance.now()
  let count = 0
  const work = async (): Promise<void> => {
    for (; performance.now() - start < 1000; count++) {
      await pool.query({ name: 'insert', text: 'INSERT INTO bench (body) VALUES ($1)', values: [body] })
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  const result = rate(count, start)
  await pool.end()
  return result
}

const allDeliveries = async (engine: string, store: string, accounts = 1): Promise<string[]> => {
  const lines: string[] = []
  for (const concurrency of [1, 10, 50]) {
    const found = await deliveries(store, concurrency, accounts)
    const whose = accounts === 1 ? 'one account' : `${accounts} accounts`
    lines.push(`${engine}, msg_store ${store}, ${whose}, ${concurrency} at once: ${found} messages/s`)
  }
  return lines
}

const deliveries = async (store: string, concurrency: number, accounts: number): Promise<number> => {
  await using made = await open(`msg_store ${store}`)
  const names = Array.from({ length: accounts }, (_, n) => `b${n}@example.org`)
  for (const name of names) await made.storage.create(name, [])
  let count = 0
  const work = async (until: number): Promise<void> => {
    for (; performance.now() < until; count++) await deliver(made.storage, [names[count % accounts] ?? ''], kilobyte)
  }
  await work(performance.now() + 500) // warm
  count = 0
  const start = performance.now()
  await Promise.all(Array.from({ length: concurrency }, () => work(start + seconds * 1000)))
  return rate(count, start)
}

if (import.meta.main) {
  const engines = process.argv.slice(2)
  for (const line of await bench(engines.length > 0 ? engines : undefined)) console.log(line)
}
