import { Recent } from '../../core/kit/recent.ts'

const capacity = 10_000

interface Failed {
  readonly since: number
  count: number
}

/**
 * Counts failed logins of each address. After `most` of them within `period` milliseconds it is not listened to until these
 * are over, whether it has the password by then or not: otherwise it could go on guessing.
 */
export class Failures {
  readonly #most: number
  readonly #period: number
  readonly #failed = new Recent<Failed>(capacity)

  constructor({ most = 10, period = 60_000 } = {}) {
    this.#most = most
    this.#period = period
  }

  add(key: string): void {
    const known = this.#current(key)
    if (known) known.count++
    else this.#failed.set(key, { since: performance.now(), count: 1 })
  }

  /** Seconds until the address is listened to again; 0 when it is. */
  blockedFor(key: string): number {
    const known = this.#current(key)
    if (!known || known.count < this.#most) return 0
    return Math.max(1, Math.ceil((known.since + this.#period - performance.now()) / 1000))
  }

  #current(key: string): Failed | undefined {
    const known = this.#failed.get(key)
    if (known && performance.now() - known.since >= this.#period) this.#failed.delete(key)
    else return known
    return undefined
  }
}
