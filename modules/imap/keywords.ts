import { systemFlags } from '../../core/kit/imap/flags.ts'

/** More keywords than this in a mailbox are none that a person gave: each SELECT has to list them. */
const most = 500

/** The flags a client has been told can be in a mailbox. */
export class Keywords {
  readonly #keywords = new Map<string, string>()
  /** Those set by this client, in lower case; it may not have been told of them yet. */
  readonly #admitted = new Set<string>()

  constructor(keywords: readonly string[]) {
    this.learn(keywords)
  }

  /** Adds keywords, as first spelt; true when there was a new one. */
  learn(flags: readonly string[]): boolean {
    let found = false
    for (const flag of flags) {
      if (flag.startsWith('\\') || this.#keywords.has(flag.toLowerCase())) continue
      this.#keywords.set(flag.toLowerCase(), flag)
      found = true
    }
    return found
  }

  /** Counts flags that are about to be set; false, and nothing, when there would be too many keywords. */
  admit(flags: readonly string[]): boolean {
    const names = flags.filter((flag) => !flag.startsWith('\\')).map((flag) => flag.toLowerCase())
    const fresh = new Set(names.filter((name) => !this.#keywords.has(name) && !this.#admitted.has(name)))
    if (fresh.size === 0) return true
    const unheard = [...this.#admitted].filter((name) => !this.#keywords.has(name)).length
    if (this.#keywords.size + unheard + fresh.size > most) return false
    for (const name of fresh) this.#admitted.add(name)
    return true
  }

  /** As the FLAGS response lists them. */
  get flags(): string {
    return `(${[...systemFlags, ...this.#keywords.values()].join(' ')})`
  }

  /** As PERMANENTFLAGS lists them: `\*` says that new keywords can be made, as long as they can. */
  get permanentFlags(): string {
    const more = this.#keywords.size < most ? ['\\*'] : []
    return `(${[...systemFlags, ...this.#keywords.values(), ...more].join(' ')})`
  }
}
