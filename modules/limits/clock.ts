/** The time, and a bell; replaced in tests. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number
  /** Runs something later, unless disposed of before. */
  after(milliseconds: number, run: () => void): Disposable
}

export const realClock: Clock = {
  now: () => performance.now(),
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, 2 ** 31 - 1))
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
}
