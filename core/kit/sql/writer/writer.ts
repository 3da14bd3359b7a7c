import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Admission } from './admission.ts'
import { WriterError } from './errors.ts'
import type { Operations, Reply, Report, WorkerOptions } from './messages.ts'
import { Outbox } from './outbox.ts'

export interface WriterOptions {
  /** The database file; made when it does not exist. */
  readonly file: string
  /** The module whose exports are the operations. It is loaded in the worker thread. */
  readonly operations: URL
  /** Told what operations emitted, after it is on stable storage, in the order of the commits. */
  readonly onEvent?: (event: unknown) => void
  /** Milliseconds; 5000 when it is left out. */
  readonly busyTimeout?: number
  readonly pragmas?: WorkerOptions['pragmas']
  /** Operations that may be under way at once, and the bytes these may weigh together; further callers wait. */
  readonly queueOperations?: number
  readonly queueBytes?: number
}

type Args<O extends Operations, K extends keyof O> = Parameters<O[K]>[1]

interface Thread {
  readonly worker: Worker
  readonly outbox: Outbox
}

interface Call {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: WriterError) => void
}

/**
 * Writes to one SQLite database from one thread of its own. Operations asked for while a transaction is being committed
 * share the next one; each resolves once it is on stable storage, or throws WriterError and has left nothing.
 */
export class SqlWriter<O extends Operations> implements AsyncDisposable {
  readonly #options: WriterOptions
  readonly #admission: Admission
  readonly #calls = new Map<number, Call>()
  readonly #running = new Set<Promise<unknown>>()
  #worker: Promise<Thread> | undefined
  #lastId = 0
  #closed = false

  private constructor(options: WriterOptions) {
    this.#options = options
    this.#admission = new Admission(options.queueOperations ?? 1024, options.queueBytes ?? 64 * 1024 * 1024)
  }

  /** Starts the thread and opens the database. Throws what stands in the way of that. */
  static async open<O extends Operations>(options: WriterOptions): Promise<SqlWriter<O>> {
    const writer = new SqlWriter<O>(options)
    await writer.#thread()
    return writer
  }

  /**
   * Carries out one operation. `args` may be a function, called once there is room for `bytes`, so that large content is
   * read only then.
   */
  async run<K extends keyof O & string>(
    name: K,
    args: Args<O, K> | (() => Promise<Args<O, K>>),
    { bytes = 0 }: { readonly bytes?: number } = {},
  ): Promise<Awaited<ReturnType<O[K]>>> {
    if (this.#closed) throw new WriterError('closed', 'the database writer has ended')
    const running = this.#admitted(name, args, bytes)
    this.#running.add(running)
    try {
      return (await running) as Awaited<ReturnType<O[K]>>
    } finally {
      this.#running.delete(running)
    }
  }

  async #admitted(name: string, args: unknown, bytes: number): Promise<unknown> {
    using _room = await this.#admission.enter(bytes)
    const given = typeof args === 'function' ? await args() : args
    const { worker, outbox } = await this.#thread()
    const id = ++this.#lastId
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (this.#calls.size === 0) worker.ref()
    this.#calls.set(id, { resolve, reject })
    outbox.post({ id, name, args: given, bytes }, (error) => {
      this.#calls.delete(id)
      if (this.#calls.size === 0) worker.unref()
      reject(new WriterError('refused', `the arguments of ${name} cannot be written`, { cause: error }))
    })
    return await promise // the room is kept until then
  }

  /** Waits for the operations under way, copies the write-ahead log into the database and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#running)
    const thread = await this.#worker?.catch(() => undefined)
    if (!thread) return
    const { worker, outbox } = thread
    worker.ref()
    const exited = once(worker, 'exit')
    outbox.post({ close: true }, () => {})
    await exited
  }

  /** The worker, started anew when the last one broke. */
  #thread(): Promise<Thread> {
    this.#worker ??= this.#start().catch((error) => {
      this.#worker = undefined
      throw error
    })
    return this.#worker
  }

  async #start(): Promise<Thread> {
    const { file, operations, busyTimeout = 5000, pragmas = {} } = this.#options
    const workerData: WorkerOptions = {
      file,
      operations: operations.href,
      busyTimeout,
      pragmas,
      groupOperations: 512,
      groupBytes: 32 * 1024 * 1024,
    }
    // Beside this file, as source in a checkout and as JavaScript in a package.
    const source = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
    const worker = new Worker(source, { workerData, name: 'sql writer' })
    const [report] = (await Promise.race([once(worker, 'message'), once(worker, 'exit')])) as [Report | number]
    if (typeof report === 'number') throw new WriterError('broken', 'the database writer did not start')
    worker.on('message', (next: Report) => {
      if ('replies' in next) for (const reply of next.replies) this.#settle(reply)
      if (this.#calls.size === 0) worker.unref()
    })
    let cause: unknown = new Error('the thread ended')
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', () => this.#broke(cause))
    worker.unref() // work to be done keeps a process alive, not the readiness for it
    return { worker, outbox: new Outbox(worker) }
  }

  #settle(reply: Reply): void {
    const call = this.#calls.get(reply.id)
    this.#calls.delete(reply.id)
    if ('failure' in reply) {
      call?.reject(WriterError.of(reply.failure))
      return
    }
    for (const event of reply.events) this.#options.onEvent?.(event)
    call?.resolve(reply.value)
  }

  /** What was under way may or may not have been committed: callers have to take it for failed. */
  #broke(cause: unknown): void {
    this.#worker = undefined
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    for (const { reject } of calls) reject(new WriterError('broken', 'the database writer broke', { cause }))
  }
}
