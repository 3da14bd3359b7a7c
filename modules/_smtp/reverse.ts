import type { Logger, Resolver } from '../../core/index.ts'

/** How long mail waits for the name of a client; milliseconds. */
const patience = 5_000

/** The name of a client by its address, looked up while it is still talking. */
export class ReverseLookup implements Disposable {
  readonly #cancel = new AbortController()
  readonly #name: Promise<string | null>
  /** As `name` has it; undefined while the lookup goes on. */
  known: string | null | undefined

  constructor(ip: string, dns: Resolver, log: Logger) {
    this.#name = this.#look(ip, dns, log).then((name) => {
      this.known = name
      return name
    })
  }

  /** The first name; empty when there is none, null when that cannot be told in time. */
  async name(): Promise<string | null> {
    if (this.known !== undefined) return this.known
    const { promise: late, resolve } = Promise.withResolvers<null>()
    const timer = setTimeout(() => resolve(null), patience)
    try {
      return await Promise.race([this.#name, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #look(ip: string, dns: Resolver, log: Logger): Promise<string | null> {
    try {
      const { records } = await dns.reverse(ip, this.#cancel.signal)
      return records[0] ?? ''
    } catch (error) {
      if (!this.#cancel.signal.aborted) log.error('rDNS error', error, { src_ip: ip })
      return null
    }
  }

  [Symbol.dispose](): void {
    this.#cancel.abort()
  }
}
