/** The server counts in seconds; what takes longer on its way must not fall into the next one's. */
const windowMs = 1080

/**
 * Starts requests no faster than the server takes them. What somebody waits for goes before what only fills in the page,
 * and one place in each second is kept for it. Of the rest, what was wanted last goes first: that is what is in sight.
 */
export class Pace {
  /** Requests a second. The server tells its own number with every answer. */
  limit = 3
  /** @type {number[]} */
  #started = []
  #pausedUntil = 0
  /** @type {Waiting[]} */
  #waiting = []
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer

  /**
   * Resolves when it is this request's turn. Rejects when `signal` aborts before.
   *
   * @param {{ background?: boolean, signal: AbortSignal }} options
   * @returns {Promise<void>}
   *
   * @typedef {{ background: boolean, start: () => void }} Waiting
   */
  turn({ background = false, signal }) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const stop = () => {
        this.#waiting = this.#waiting.filter((each) => each !== entry)
        reject(signal.reason)
      }
      const start = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      const entry = { background, start }
      signal.addEventListener('abort', stop)
      this.#waiting.push(entry)
      queueMicrotask(() => this.#next()) // when all are there that are asked for together
    })
  }

  /**
   * Starts nothing for so long: the server said so.
   *
   * @param {number} ms
   */
  pause(ms) {
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + ms)
  }

  #next() {
    clearTimeout(this.#timer)
    const now = performance.now()
    this.#started = this.#started.filter((at) => at > now - windowMs)
    while (this.#waiting.length > 0 && now >= this.#pausedUntil) {
      const urgent = this.#waiting.findIndex(({ background }) => !background)
      const room = urgent >= 0 ? this.limit : Math.max(1, this.limit - 1)
      if (this.#started.length >= room) break
      this.#started.push(now)
      for (const { start } of this.#waiting.splice(urgent, 1)) start() // the last one, when none is urgent
    }
    if (this.#waiting.length === 0) return
    const free = (this.#started[0] ?? now - windowMs) + windowMs
    this.#timer = setTimeout(() => this.#next(), Math.max(20, Math.max(free, this.#pausedUntil) - now))
  }
}
