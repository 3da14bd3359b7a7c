import type { DatabaseSync } from 'node:sqlite'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { commitGroup } from './group.ts'
import type { Operations, Order, Report, Request, WorkerOptions } from './messages.ts'
import { openForWriting } from './open.ts'

/**
 * The thread that owns the writing connection. Whatever has been asked for while the last transaction was on its way to
 * the disk shares the next one, so that one fsync serves many; and no fsync stops the thread that serves clients.
 */
const main = async (): Promise<void> => {
  const options = workerData as WorkerOptions
  const port = parentPort
  if (!port) throw new Error('the writer runs in a worker thread')
  const operations = (await import(options.operations)) as Operations
  const connection = openForWriting(options)
  const waiting: Request[] = []
  let closing = false
  let running = false

  const take = (orders: readonly Order[]): void => {
    for (const order of orders) {
      if ('close' in order) closing = true
      else waiting.push(order)
    }
  }

  const work = async (): Promise<void> => {
    running = true
    while (waiting.length > 0) {
      for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) take(next.message)
      const replies = await commitGroup(connection, operations, nextGroup(waiting, options))
      const report: Report = { replies }
      port.postMessage(report)
    }
    running = false
    if (closing) close(connection.db, () => port.close())
  }

  port.on('message', (orders: readonly Order[]) => {
    take(orders)
    if (!running) void work()
  })
  setInterval(() => running || optimize(connection.db), optimizeEvery).unref()
  const ready: Report = { ready: true }
  port.postMessage(ready)
}

const nextGroup = (waiting: Request[], { groupOperations, groupBytes }: WorkerOptions): Request[] => {
  let bytes = 0
  let count = 0
  for (const request of waiting) {
    bytes += request.bytes
    if (count > 0 && (count === groupOperations || bytes > groupBytes)) break
    count++
  }
  return waiting.splice(0, count)
}

/** Lets SQLite look at a sample of its tables where that is due, for better plans of queries. */
const optimize = (db: DatabaseSync): void => {
  try {
    db.exec('PRAGMA analysis_limit = 400; PRAGMA optimize')
  } catch {
    // It is no duty, and somebody else may be writing.
  }
}

const optimizeEvery = 5 * 60 * 60 * 1000

const close = (db: DatabaseSync, done: () => void): void => {
  optimize(db)
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // The write-ahead log keeps what was not copied; the next who opens the file does that.
  }
  db.close()
  done()
}

await main()
