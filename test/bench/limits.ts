import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { folder as newFolder } from '../support/process.ts'
import { answer, inChild } from './load/child.ts'
import { type SmtpLoadResult, smtpLoad } from './load/smtp.ts'

/** What this machine can do at most, in operations a second. */
export interface Limits {
  /** Appending 4 KB to a file, and fdatasync, one after the other. */
  readonly syncs: number
  /** 1 KB rows in SQLite, with WAL and synchronous=FULL, each in a transaction of its own. */
  readonly inserts: number
  /** The same, 50 in each transaction. */
  readonly groupedInserts: number
}

export interface DiskOptions {
  readonly folder: string
  /** How long each measurement goes on; milliseconds. */
  readonly milliseconds: number
}

/** Measures the disk under the folder for temporary files, in a process of its own. */
export const diskLimits = async (milliseconds = 1500): Promise<Limits> => {
  await using folder = await newFolder()
  return await inChild(fileURLToPath(import.meta.url), { folder: folder.path, milliseconds } satisfies DiskOptions)
}

/** How many times a second something can be done. */
const rate = (milliseconds: number, work: () => number): number => {
  const start = performance.now()
  let count = 0
  let now = start
  for (; now - start < milliseconds; now = performance.now()) count += work()
  return count / ((now - start) / 1000)
}

const measure = async ({ folder, milliseconds }: DiskOptions): Promise<Limits> => {
  const file = openSync(join(folder, 'appended'), 'a')
  const block = Buffer.alloc(4096, 'x')
  const syncs = rate(milliseconds, () => {
    writeSync(file, block)
    fdatasyncSync(file)
    return 1
  })
  closeSync(file)
  const inserts = insertRate(join(folder, 'one.db'), milliseconds, 1)
  const groupedInserts = insertRate(join(folder, 'grouped.db'), milliseconds, 50)
  return { syncs, inserts, groupedInserts }
}

const insertRate = (path: string, milliseconds: number, group: number): number => {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB)')
  const insert = db.prepare('INSERT INTO bodies (body) VALUES (?)')
  const body = Buffer.alloc(1024, 'x')
  try {
    return rate(milliseconds, () => {
      db.exec('BEGIN IMMEDIATE')
      for (let count = 0; count < group; count++) insert.run(body)
      db.exec('COMMIT')
      return group
    })
  } finally {
    db.close()
  }
}

/** The package smtp-server, taking messages and throwing them away: what no server built on it can exceed. */
export const discardLimit = async (connections: number, messages: number, size: number): Promise<SmtpLoadResult> => {
  const server = spawn(process.execPath, [fileURLToPath(new URL('load/discard.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [port] = await once(server.stdout, 'data')
    await smtpLoad({ port: Number(port), connections: 10, messages: 500, size }) // compiles what is hot
    return await smtpLoad({ port: Number(port), connections, messages, size })
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

if (import.meta.main) await answer(measure)
