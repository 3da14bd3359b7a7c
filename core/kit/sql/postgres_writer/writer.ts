import { setTimeout as delay } from 'node:timers/promises'
import { Admission } from '../writer/admission.ts'
import { WriterError } from '../writer/errors.ts'
import { writerError } from './failures.ts'
import type { Attempt, LaneOptions, Result, Unit } from './lane.ts'
import { Lane } from './lane.ts'

export interface PostgresWriterOptions extends LaneOptions {
  /** Connections that write side by side. */
  readonly lanes: number
  /** How long an operation is tried again while the server cannot be reached; milliseconds. */
  readonly patience: number
  /** Told what operations emitted, once it is on stable storage. */
  readonly onEvent: (event: unknown) => void
}

/** Operations that may share a transaction, and the bytes these may weigh together. */
const groupUnits = 50
const groupBytes = 16 * 1024 * 1024

/** How often a transaction that others got in the way of is tried again. */
const attempts = 5

/** So that those who are in each other's way, or in the way of a server that starts, do not stay in step. */
const pause = (attempt: number): Promise<void> => delay(Math.min(10 * 2 ** attempt, 1000) * (0.5 + Math.random()))

interface Work extends Unit {
  readonly bytes: number
  /** When it has been tried for long enough; as `performance.now()`. */
  readonly deadline: number
  attempts: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: WriterError) => void
}

/** Rejects what has been tried for long enough; true for what was. */
const givenUp = (work: Work, error: unknown): boolean => {
  const over = work.deadline < performance.now()
  if (over) work.reject(writerError(error))
  return over
}

/**
 * Writes to one PostgreSQL database on a few connections. Operations asked for while transactions are being committed share
 * the next one; each resolves once it is on stable storage, or throws WriterError and has left nothing. Operations that have
 * a lock in common are carried out one after the other, in the order in which they came, in whatever process.
 */
export class PostgresWriter implements AsyncDisposable {
  readonly #options: PostgresWriterOptions
  readonly #admission = new Admission(1024, 64 * 1024 * 1024)
  readonly #idle: Lane[]
  readonly #busy = new Set<number>()
  readonly #running = new Set<Promise<unknown>>()
  #waiting: Work[] = []
  #woken = false
  #closed = false

  constructor(options: PostgresWriterOptions) {
    this.#options = options
    this.#idle = Array.from({ length: options.lanes }, () => new Lane(options))
  }

  /**
   * Carries out one operation. `prepare` is called once there is room for `bytes`, so that large content is read only then.
   */
  async run<T>(prepare: () => Promise<Unit & { perform: Performs<T> }>, bytes: number): Promise<T> {
    if (this.#closed) throw new WriterError('closed', 'the database writer has ended')
    const running = this.#admitted(prepare, bytes)
    this.#running.add(running)
    try {
      return (await running) as T
    } finally {
      this.#running.delete(running)
    }
  }

  async #admitted(prepare: () => Promise<Unit>, bytes: number): Promise<unknown> {
    using _room = await this.#admission.enter(bytes)
    const unit = await prepare()
    const deadline = performance.now() + this.#options.patience
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#waiting.push({ ...unit, bytes, deadline, attempts: 0, resolve, reject })
    this.#wake()
    return await promise // the room is kept until then
  }

  /** At the end of this turn of the event loop, so that all that came in it may go together. */
  #wake(): void {
    if (this.#woken) return
    this.#woken = true
    setImmediate(() => {
      this.#woken = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (let lane = this.#idle.at(-1); lane; lane = this.#idle.at(-1)) {
      const group = this.#nextGroup()
      if (group.length === 0) return
      this.#idle.pop()
      void this.#serve(lane, group)
    }
  }

  /** The first that wait, but for those whose locks are taken, or wanted by others before them. */
  #nextGroup(): Work[] {
    const group: Work[] = []
    const passed = new Set<number>()
    const left: Work[] = []
    const most = Math.min(groupUnits, Math.max(4, Math.ceil(this.#waiting.length / this.#idle.length)))
    let bytes = 0
    for (const work of this.#waiting) {
      const full = group.length > 0 && (group.length >= most || bytes + work.bytes > groupBytes)
      if (full || work.locks.some((lock) => this.#busy.has(lock) || passed.has(lock))) {
        for (const lock of work.locks) passed.add(lock)
        left.push(work)
      } else {
        group.push(work)
        bytes += work.bytes
      }
    }
    this.#waiting = left
    for (const { locks } of group) for (const lock of locks) this.#busy.add(lock)
    return group
  }

  async #serve(lane: Lane, group: readonly Work[]): Promise<void> {
    try {
      await this.#commit(lane, group)
    } catch (error) {
      for (const { reject } of group) reject(writerError(error)) // those that have been told before do not hear it
    }
    for (const { locks } of group) for (const lock of locks) this.#busy.delete(lock)
    this.#idle.push(lane)
    this.#wake()
  }

  /** Tries until each operation of the group has succeeded, or failed for good. */
  async #commit(lane: Lane, group: readonly Work[]): Promise<void> {
    const groups: Work[][] = [[...group]]
    for (let next = groups.shift(); next; next = groups.shift()) {
      const outcome = await this.#settled(lane, await lane.attempt(next))
      if (outcome.done === true) {
        for (const [index, result] of outcome.results.entries()) this.#tell(next[index], result)
      } else if (outcome.done === 'unknown') {
        const options = { cause: outcome.error }
        const error = new WriterError('broken', 'the database did not say whether it was committed', options)
        for (const { reject } of next) reject(error)
      } else if (outcome.why === 'lost') {
        const left = next.filter((work) => !givenUp(work, outcome.error))
        if (left.length > 0) groups.unshift(left)
        await pause(Math.max(...next.map((work) => ++work.attempts)))
      } else if (next.length > 1) {
        // Those that are not to blame go on without the one that is, or each alone when that is not known.
        const { culprit } = outcome
        const apart = next.filter((_, index) => culprit === undefined || index === culprit)
        if (culprit !== undefined) groups.push(next.filter((_, index) => index !== culprit))
        groups.push(...apart.map((work) => [work]))
      } else {
        const [work] = next as [Work]
        const again = outcome.why === 'conflict' && ++work.attempts < attempts && !givenUp(work, outcome.error)
        if (again) groups.push(next)
        else work.reject(writerError(outcome.error))
        if (again) await pause(work.attempts)
      }
    }
  }

  /** Finds out how a transaction ended that was not answered, as long as anybody has the patience. */
  async #settled(lane: Lane, attempt: Attempt): Promise<Attempt> {
    if (attempt.done !== 'unknown') return attempt
    const deadline = performance.now() + 2 * this.#options.patience
    for (let count = 1; ; count++) {
      try {
        const ended = await lane.ended(attempt.mark)
        return ended === 'committed'
          ? { done: true, results: attempt.results }
          : { done: false, error: attempt.error, why: 'lost', culprit: undefined }
      } catch {
        if (performance.now() > deadline) return attempt
      }
      await pause(count)
    }
  }

  #tell(work: Work | undefined, result: Result): void {
    if ('failure' in result) {
      work?.reject(writerError(result.failure))
      return
    }
    for (const event of result.events) this.#options.onEvent(event)
    work?.resolve(result.value)
  }

  /** Waits for the operations under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#running)
    await new Promise<void>((resolve) => setImmediate(resolve)) // until the last lane has come back
    await Promise.all(this.#idle.map((lane) => lane.close()))
  }
}

export type Performs<T> = (db: Parameters<Unit['perform']>[0], emit: (event: unknown) => void) => Promise<T>
