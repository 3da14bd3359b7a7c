import type { Clock } from './clock.ts'

/** Something of which there is only so much. */
export interface Limit {
  /** What is taken is given back when disposed of. Undefined when it is not to be had before `deadline`, on the clock. */
  take(deadline: number): Promise<Disposable | undefined>
}

interface Waiter {
  readonly serve: () => void
  readonly giveUp: Disposable
}

/** Those who wait, first come, first served. */
class Line {
  readonly #clock: Clock
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get length(): number {
    return this.#waiters.size
  }

  /** True once it is the caller's turn, false at the deadline. */
  wait(deadline: number): Promise<boolean> {
    return new Promise((resolve) => {
      const leave = (served: boolean) => {
        waiter.giveUp[Symbol.dispose]()
        this.#waiters.delete(waiter)
        resolve(served)
      }
      const waiter: Waiter = {
        serve: () => leave(true),
        giveUp: this.#clock.after(Math.max(deadline - this.#clock.now(), 0), () => leave(false)),
      }
      this.#waiters.add(waiter)
    })
  }

  /** Lets the first go on. False when nobody waits. */
  serve(): boolean {
    const [first] = this.#waiters
    first?.serve()
    return first !== undefined
  }
}

/** `concurrency MAX`: so many at a time. */
export class Concurrency implements Limit {
  readonly #line: Line
  #free: number

  constructor(max: number, clock: Clock) {
    this.#free = max
    this.#line = new Line(clock)
  }

  async take(deadline: number): Promise<Disposable | undefined> {
    if (this.#free > 0) this.#free--
    else if (!(await this.#line.wait(deadline))) return undefined
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held && !this.#line.serve()) this.#free++ // the slot is handed on, never free in between
        held = false
      },
    }
  }
}

/** `rate BURST PERIOD`: so many in a period, which begins when the first is taken. They are not given back. */
export class Rate implements Limit {
  readonly #burst: number
  readonly #period: number
  readonly #clock: Clock
  readonly #line: Line
  #left: number
  #refillAt = 0
  #bell: Disposable | undefined

  /** `period` is in milliseconds. */
  constructor(burst: number, period: number, clock: Clock) {
    this.#burst = burst
    this.#period = period
    this.#clock = clock
    this.#left = burst
    this.#line = new Line(clock)
  }

  async take(deadline: number): Promise<Disposable | undefined> {
    this.#refill()
    if (this.#left === 0 || this.#line.length > 0) {
      const turn = this.#line.wait(deadline)
      this.#ringLater()
      return (await turn) ? nothing : undefined
    }
    this.#count()
    return nothing
  }

  #count(): void {
    if (this.#left === this.#burst) this.#refillAt = this.#clock.now() + this.#period
    this.#left--
  }

  #refill(): void {
    if (this.#left < this.#burst && this.#clock.now() >= this.#refillAt) this.#left = this.#burst
  }

  #ringLater(): void {
    if (this.#line.length > 0) {
      this.#bell ??= this.#clock.after(Math.max(this.#refillAt - this.#clock.now(), 1), () => this.#ring())
    }
  }

  #ring(): void {
    this.#bell = undefined
    this.#refill()
    while (this.#left > 0 && this.#line.serve()) this.#count()
    this.#ringLater()
  }
}

const nothing: Disposable = { [Symbol.dispose]: () => {} }
