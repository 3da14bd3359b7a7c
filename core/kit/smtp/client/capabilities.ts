import type { Reply } from './reply.ts'

/** What a server offers, by the keywords of its reply to EHLO or LHLO (RFC 5321 §4.1.1.1). */
export class Capabilities {
  readonly #keywords = new Map<string, readonly string[]>()

  /** Without a reply, as after HELO, nothing is offered. */
  constructor(reply?: Reply) {
    for (const line of reply?.lines.slice(1) ?? []) {
      const [keyword = '', ...parameters] = line.trim().split(/\s+/)
      if (/^[a-z0-9][a-z0-9-]*$/i.test(keyword)) this.#keywords.set(keyword.toUpperCase(), parameters)
    }
  }

  /** Keywords are in capital letters here, however the server writes them. */
  has(keyword: string): boolean {
    return this.#keywords.has(keyword)
  }

  parameters(keyword: string): readonly string[] {
    return this.#keywords.get(keyword) ?? []
  }

  /** The largest message the server takes, in bytes (RFC 1870 §4); undefined when it does not say. */
  get maxSize(): number | undefined {
    const [written = ''] = this.parameters('SIZE')
    const size = /^\d{1,15}$/.test(written) ? Number(written) : 0
    return size > 0 ? size : undefined
  }
}
