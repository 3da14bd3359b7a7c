import type { Address } from '../../../core/index.ts'
import { domainForLookup, toAscii } from '../../../core/kit/address/index.ts'

/** The form of a domain that everything here goes by; undefined when it has none. */
export const normalized = (domain: string): string | undefined => {
  try {
    return domainForLookup(domain)
  } catch {
    return undefined
  }
}

/** With A-labels; undefined when one cannot be made. */
export const asciiForm = (domain: string): string | undefined => {
  try {
    return toAscii(domain)
  } catch {
    return undefined
  }
}

/**
 * Whether a signature can name a domain: one of labels of letters, digits, `-` and `_` (RFC 6376 §3.5). What a stranger sends
 * as a domain may be anything, and becomes part of the name of a file.
 */
export const canSign = (domain: string): boolean => {
  const ascii = asciiForm(domain)
  return ascii !== undefined && ascii.length <= 253 && /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(ascii)
}

export interface DomainsOptions {
  /** As they were written; at least one. */
  readonly listed: readonly string[]
  /** Mail from below the one domain is signed for it. */
  readonly subdomains: boolean
  /** Mail from any domain is signed. */
  readonly open: boolean
}

/** Says for which domain mail is signed. */
export class Domains {
  /** By the form of lookups: how it was written first. */
  readonly #written = new Map<string, string>()
  readonly #first: string
  readonly #subdomains: boolean
  readonly #open: boolean

  constructor({ listed, subdomains, open }: DomainsOptions) {
    for (const domain of listed) this.add(domain)
    const [first] = this.#written.keys()
    if (first === undefined) throw new RangeError('none of the domains can be signed for')
    this.#first = first
    this.#subdomains = subdomains
    this.#open = open
  }

  /** In the form of lookups. */
  get all(): readonly string[] {
    return [...this.#written.keys()]
  }

  /** Adds a domain, in any form. False when none like that can be signed for. */
  add(written: string): boolean {
    const domain = normalized(written)
    if (domain === undefined || !canSign(domain)) return false
    if (!this.#written.has(domain)) this.#written.set(domain, written)
    return true
  }

  /** How a domain was written where it was listed. */
  spelling(domain: string): string {
    return this.#written.get(domain) ?? domain
  }

  /** The domain to sign for, in the form of lookups; undefined when mail of that sender is not signed. */
  of(from: Address | null): string | undefined {
    if (from === null || from.domain === '') return this.#first
    const domain = normalized(from.domain)
    if (domain === undefined || this.#written.has(domain)) return domain
    if (this.#subdomains && domain.endsWith(`.${this.#first}`)) return this.#first
    return this.#open && canSign(domain) ? domain : undefined
  }
}
