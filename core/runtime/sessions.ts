import type { Socket } from 'node:net'
import type { Logger } from '../log.ts'

interface Terms {
  /** How long it goes on after a reload, and how long it may take to stop when the process ends; milliseconds. */
  readonly grace: number
  /** What it uses for as long as it lives. */
  readonly carriedBy: readonly unknown[]
}

interface Running extends Terms {
  readonly socket: Socket
  readonly stop: AbortController
  /** Resolves, never rejects, when the session is done. */
  readonly done: Promise<void>
}

/** How long a session may take to say goodbye once its grace has been used up; milliseconds. */
const goodbye = 10_000

/** How long the rest of an answer may take to reach a client whose session is done; milliseconds. */
const flush = 10_000

/** How long a session is waited for once its socket has been taken away; milliseconds. */
const afterCut = 5_000

/** The sessions one lease looks after. */
export class Sessions {
  readonly #log: Logger
  /** Aborts when the process ends. */
  readonly #ending: AbortSignal
  readonly #running = new Set<Running>()

  constructor(log: Logger, ending: AbortSignal) {
    this.#log = log
    this.#ending = ending
  }

  get size(): number {
    return this.#running.size
  }

  /** Runs a session to its end and closes its socket. What it throws is logged and goes no further. */
  run(socket: Socket, session: (stop: AbortSignal) => Promise<void>, terms: Terms): void {
    const stop = new AbortController()
    const done = (async () => {
      try {
        await session(stop.signal)
      } catch (error) {
        this.#log.error('session failed', error, { src_ip: `${socket.remoteAddress ?? 'unix'}` })
      }
      close(socket)
    })()
    const running: Running = { socket, stop, done, ...terms }
    this.#add(running)
  }

  #add(running: Running): void {
    this.#running.add(running)
    void running.done.then(() => this.#running.delete(running))
  }

  /** Takes over those sessions of another that go on with what `keeps` says is kept. */
  adopt(from: Sessions, keeps: (instance: unknown) => boolean): void {
    for (const running of from.#running) {
      if (running.carriedBy.length === 0 || !running.carriedBy.every(keeps)) continue
      from.#running.delete(running)
      this.#add(running)
    }
  }

  /**
   * After a reload sessions work on as they began until their grace is over; when the process ends they are asked to stop
   * at once. What is left then, or at the deadline, loses its socket.
   */
  async drain(deadline: AbortSignal): Promise<void> {
    const byGrace = Map.groupBy(this.#running, ({ grace }) => grace)
    await Promise.all(Array.from(byGrace, ([grace, running]) => this.#end(running, grace, deadline)))
  }

  async #end(running: readonly Running[], grace: number, deadline: AbortSignal): Promise<void> {
    const all = Promise.all(running.map(({ done }) => done))
    const workedOn = !this.#ending.aborted
    if (workedOn && (await settled(all, grace, deadline, this.#ending))) return
    for (const { stop } of running) stop.abort()
    const spent = workedOn && !this.#ending.aborted
    if (await settled(all, spent ? Math.min(goodbye, grace) : grace, deadline)) return
    for (const { socket } of running) socket.destroy()
    if (!(await settled(all, afterCut))) {
      const left = running.filter((each) => this.#running.has(each)).length
      this.#log.error('sessions do not end', new Error('they go on without a connection'), { sessions: left })
    }
  }

  /** Takes the sockets of all sessions away, for when nobody can wait. */
  cut(): void {
    for (const { socket, stop } of this.#running) {
      stop.abort()
      socket.destroy()
    }
  }
}

/** Lets what has been written reach the client, but does not wait for one who reads nothing. */
const close = (socket: Socket): void => {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), flush)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
  socket.destroySoon()
}

/** True when `all` is done in time; false at the end of `milliseconds`, or as soon as one of the signals aborts. */
const settled = async (all: Promise<unknown>, milliseconds: number, ...signals: AbortSignal[]): Promise<boolean> => {
  const { promise: over, resolve } = Promise.withResolvers<false>()
  const giveUp = () => resolve(false)
  const timer = setTimeout(giveUp, Math.min(milliseconds, 2 ** 31 - 1))
  for (const signal of signals) {
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp)
  }
  try {
    return await Promise.race([all.then(() => true as const), over])
  } finally {
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', giveUp)
  }
}
