import { SmtpError } from '../../core/index.ts'
import type { Clock } from './clock.ts'
import type { Limit } from './limit.ts'

/** How many keys a scope remembers. */
const maxKeys = 20_010
/** How long a key must not have been used before it may be forgotten; milliseconds. */
const idle = 60_000

interface Entry {
  readonly limits: readonly Limit[]
  users: number
  usedAt: number
}

export const highLoad = (): SmtpError => SmtpError.temporary(451, '4.4.5', 'High load, try again later')

/** The limits of one scope, counted for each key by itself. */
export class Scope {
  readonly #lines: readonly (() => Limit)[]
  readonly #clock: Clock
  /** The one that was used longest ago comes first. */
  readonly #entries = new Map<string, Entry>()

  constructor(lines: readonly (() => Limit)[], clock: Clock) {
    this.#lines = lines
    this.#clock = clock
  }

  /** Takes what all limits of the key ask for, in the order written. Throws SmtpError at the deadline, or when there are too many keys. */
  async take(key: string, deadline: number): Promise<Disposable> {
    using taken = new DisposableStack()
    if (this.#lines.length === 0) return taken.move()
    const entry = this.#entry(key)
    entry.users++
    taken.defer(() => {
      entry.users--
      entry.usedAt = this.#clock.now()
    })
    for (const limit of entry.limits) {
      const slot = await limit.take(deadline)
      if (!slot) throw highLoad()
      taken.use(slot)
    }
    return taken.move()
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key)
    if (!known && this.#entries.size >= maxKeys) this.#forget()
    const entry = known ?? { limits: this.#lines.map((make) => make()), users: 0, usedAt: 0 }
    entry.usedAt = this.#clock.now()
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  #forget(): void {
    const before = this.#clock.now() - idle
    for (const [key, { users, usedAt }] of this.#entries) {
      if (usedAt > before) break
      if (users === 0) this.#entries.delete(key)
    }
    if (this.#entries.size >= maxKeys) throw highLoad()
  }
}
