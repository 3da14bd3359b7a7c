import type { Logger } from '../../../core/index.ts'
import { generateKey, type NewKeyAlgorithm, type SigningKey } from '../../../core/kit/dkim/index.ts'
import { Recent } from '../../../core/kit/recent.ts'
import type { KeyStore } from './store.ts'
import type { Turns } from './turns.ts'

/** Keys that are kept in memory. */
const capacity = 10_000

interface Held {
  readonly key: SigningKey
  /** Milliseconds, as of `performance.now()`: looked at again after it. */
  freshUntil: number
}

/** The keys of all domains: read when first needed, and made where there is none. */
export class Keyring {
  readonly #store: KeyStore
  readonly #turns: Turns
  readonly #algorithm: NewKeyAlgorithm
  readonly #log: Logger
  readonly #held = new Recent<Held>(capacity)
  readonly #loading = new Map<string, Promise<SigningKey>>()

  constructor(store: KeyStore, turns: Turns, algorithm: NewKeyAlgorithm, log: Logger) {
    this.#store = store
    this.#turns = turns
    this.#algorithm = algorithm
    this.#log = log
  }

  /** The key of a domain, in the form of lookups. It is stored when this resolves. Throws when it cannot be had. */
  async get(domain: string): Promise<SigningKey> {
    const held = this.#held.get(domain)
    if (held && performance.now() < held.freshUntil) return held.key
    const loading = this.#loading.get(domain) ?? this.#load(domain, held)
    this.#loading.set(domain, loading)
    return await loading
  }

  async #load(domain: string, held: Held | undefined): Promise<SigningKey> {
    try {
      const key = (await this.#store.load(domain)) ?? (await this.#make(domain))
      this.#held.set(domain, { key, freshUntil: performance.now() + this.#store.freshFor })
      return key
    } catch (error) {
      if (!held) throw error
      // What was good a minute ago still verifies, and mail goes on while the table is away.
      this.#log.error('DKIM key could not be read again', error, { domain })
      held.freshUntil = performance.now() + this.#store.freshFor
      return held.key
    } finally {
      this.#loading.delete(domain)
    }
  }

  #make(domain: string): Promise<SigningKey> {
    return this.#turns.take(
      async () =>
        (await this.#store.load(domain)) ?? (await this.#store.add(domain, await generateKey(this.#algorithm))),
    )
  }
}
