/** How often the counters are read while they are looked at, and otherwise; milliseconds. */
const often = 3000
const seldom = 15_000

/** How many readings are kept: five minutes of them, when they are looked at. */
const kept = 100

/**
 * @typedef {{ startedAt: string, uptimeSeconds: number, sessions: Readonly<Record<string, number>>,
 *   transactions: readonly { module: string, started: number, completed: number, aborted: number }[], deliveries: number,
 *   rejects: { total: number, byCheck: readonly CheckCount[], byReply: readonly { module: string, command: string, code: string,
 *   enhancedCode: string, count: number }[] }, quarantined: readonly CheckCount[] }} Reading
 * @typedef {{ check: string, count: number }} CheckCount
 */

/** Reads the counters of the server for as long as the page is in sight, and tells of each reading by the event `change`. */
export class Stats extends EventTarget {
  /** The readings since somebody signed in, oldest first. @type {{ at: number, reading: Reading }[]} */
  history = []
  /** Why the last attempt failed. @type {unknown} */
  error
  #api
  #interval = seldom
  #closed = false
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #look = () => this.#soon(document.hidden ? undefined : 0)

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    super()
    this.#api = api
    document.addEventListener('visibilitychange', this.#look)
    this.#soon(1000)
  }

  get latest() {
    return this.history.at(-1)?.reading
  }

  /**
   * Reads more often until `signal` aborts.
   *
   * @param {AbortSignal} signal
   */
  watch(signal) {
    this.#interval = often
    this.#soon(0)
    signal.addEventListener('abort', () => {
      this.#interval = seldom
    })
  }

  close() {
    this.#closed = true
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#look)
  }

  /** @param {number | undefined} ms */
  #soon(ms) {
    clearTimeout(this.#timer)
    if (ms !== undefined && !this.#closed) this.#timer = setTimeout(() => this.#read(), ms)
  }

  async #read() {
    try {
      const reading = await this.#api.request('GET', 'v1/stats', { background: true })
      if (reading.uptimeSeconds < (this.latest?.uptimeSeconds ?? 0)) this.history = [] // it has been started again
      this.history = [...this.history, { at: performance.now(), reading }].slice(-kept)
      this.error = undefined
    } catch (error) {
      this.error = error
    }
    if (this.#closed) return
    this.dispatchEvent(new Event('change'))
    this.#soon(document.hidden ? undefined : this.#interval)
  }
}
