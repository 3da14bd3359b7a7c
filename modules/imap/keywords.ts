import { systemFlags } from '../../core/kit/imap/flags.ts'

/** The flags a client has been told can be in a mailbox. */
export class Keywords {
  readonly #keywords = new Map<string, string>()

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

  /** As the FLAGS response lists them. */
  get flags(): string {
    return `(${[...systemFlags, ...this.#keywords.values()].join(' ')})`
  }

  /** As PERMANENTFLAGS lists them: `\*` says that new keywords can be made. */
  get permanentFlags(): string {
    return `(${[...systemFlags, ...this.#keywords.values(), '\\*'].join(' ')})`
  }
}
