import { Worker } from 'node:worker_threads'

export interface PoolOptions {
  /** How many workers there are at most. */
  readonly size: number
  /** How many questions may wait; more are refused. */
  readonly queue: number
  /** How long one question may take, in milliseconds. */
  readonly deadline: number
  /** How long a worker is kept with nothing to do, in milliseconds. */
  readonly idle: number
}

interface Job {
  readonly question: unknown
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

/** Threads that answer questions, one at a time each. They are started when needed, and keep no process from ending. */
export class WorkerPool implements AsyncDisposable {
  readonly #file: URL
  readonly #options: PoolOptions
  readonly #members = new Set<Member>()
  readonly #waiting: Job[] = []
  #closed = false

  constructor(file: URL, options: PoolOptions) {
    this.#file = file
    this.#options = options
  }

  /** What a worker answers. Throws when too many are waiting, when it takes too long, or when the worker dies of it. */
  ask(question: unknown): Promise<unknown> {
    if (this.#closed) return Promise.reject(new Error('the workers have been stopped'))
    if (this.#waiting.length >= this.#options.queue) return Promise.reject(new Error('too many questions are waiting'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject })
      this.#next()
    })
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const member = [...this.#members].find(({ busy }) => !busy) ?? this.#grow()
    const job = member && this.#waiting.shift()
    if (job) member.take(job)
  }

  #grow(): Member | undefined {
    if (this.#members.size >= this.#options.size) return undefined
    const member = new Member(this.#file, this.#options, {
      free: () => this.#next(),
      gone: () => {
        this.#members.delete(member)
        this.#next()
      },
    })
    this.#members.add(member)
    return member
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the workers have been stopped'))
    await Promise.all([...this.#members].map((member) => member.end(new Error('the workers have been stopped'))))
  }
}

/** One worker, and the job it is at. */
class Member {
  readonly #worker: Worker
  readonly #options: PoolOptions
  readonly #tell: { readonly free: () => void; readonly gone: () => void }
  #job: Job | undefined
  #ending = false
  #timer: NodeJS.Timeout | undefined

  constructor(file: URL, options: PoolOptions, tell: { readonly free: () => void; readonly gone: () => void }) {
    this.#options = options
    this.#tell = tell
    // Nothing of the process is of use there: neither its options, which may be those of a test runner, nor its secrets.
    this.#worker = new Worker(file, { execArgv: [], env: {} })
    this.#worker.on('message', (answer) => this.#answered(answer))
    this.#worker.on('error', (error) => this.#fail(new Error('a worker failed', { cause: error })))
    this.#worker.on('exit', () => {
      this.#fail(new Error('a worker has ended'))
      this.#tell.gone()
    })
    this.#worker.unref()
  }

  get busy(): boolean {
    return this.#job !== undefined || this.#ending
  }

  take(job: Job): void {
    clearTimeout(this.#timer)
    this.#job = job
    this.#worker.ref() // whoever waits for an answer is to get it, even if nothing else is left to do
    this.#timer = setTimeout(() => this.end(new Error('a worker took too long')), this.#options.deadline)
    this.#worker.postMessage(job.question)
  }

  #answered(answer: unknown): void {
    if (this.#ending) return
    const job = this.#release()
    this.#timer = setTimeout(() => this.end(), this.#options.idle).unref()
    this.#worker.unref()
    job?.resolve(answer)
    this.#tell.free()
  }

  #fail(error: Error): void {
    this.#ending = true
    this.#release()?.reject(error)
  }

  #release(): Job | undefined {
    clearTimeout(this.#timer)
    const job = this.#job
    this.#job = undefined
    return job
  }

  /** Stops the worker, also in the middle of a job, which then fails with `error`. */
  async end(error = new Error('a worker has ended')): Promise<void> {
    this.#fail(error)
    this.#worker.ref() // its place is wanted by whoever waits
    await this.#worker.terminate()
  }
}
