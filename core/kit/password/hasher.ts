import { availableParallelism } from 'node:os'
import type { NewHash } from './format.ts'
import { PasswordFormatError } from './format.ts'
import { WorkerPool } from './pool.ts'
import type { Answer, Question } from './worker.ts'

/** Node runs the sources as they are; a URL, unlike an import, is not rewritten when they are built. */
const workerFile = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)

/**
 * Checks and makes password hashes away from the main thread: `bcrypt:…` and `argon2:…` as maddy stores them, and
 * `scram-sha-256:…`, which maddy does not know.
 */
export class PasswordHasher implements AsyncDisposable {
  readonly #pool: WorkerPool

  constructor() {
    this.#pool = new WorkerPool(workerFile, {
      size: Math.min(2, Math.max(1, availableParallelism() - 1)),
      queue: 500,
      deadline: 60_000,
      idle: 30_000,
    })
  }

  /**
   * Whether `password` is the one that `stored` was made of. Throws PasswordFormatError when `stored` is nothing known,
   * and another error when there is no answer now: too many are waiting, or this hash takes more than a minute.
   */
  async verify(stored: string, password: string): Promise<boolean> {
    return (await this.#ask({ verify: stored, password })) === true
  }

  /** A value to store for `password`. Throws RangeError when the password is too long for bcrypt, or the options will not do. */
  async hash(password: string, options: NewHash = {}): Promise<string> {
    return String(await this.#ask({ create: options, password }))
  }

  async #ask(question: Question): Promise<boolean | string> {
    const answer = (await this.#pool.ask(question)) as Answer
    if ('value' in answer) return answer.value
    if (answer.kind === 'format') throw new PasswordFormatError(answer.error)
    throw answer.kind === 'range' ? new RangeError(answer.error) : new Error(answer.error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]()
  }
}
