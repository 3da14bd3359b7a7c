import type { AddressToken } from './address_tokens.ts'

/** A mailbox of a header field. */
export interface Mailbox {
  /** The display name as written, without quotes, encoded words left alone; empty when there is none. */
  readonly name: string
  /** The local part, without quotes. */
  readonly mailbox: string
  readonly host: string
  /** The source route of RFC 822, `@a,@b`; empty as a rule. */
  readonly route: string
}

/** One pass over tokens. A method returns undefined when what it names does not stand here. */
export class AddressReader {
  readonly #tokens: readonly AddressToken[]
  #at = 0

  constructor(tokens: readonly AddressToken[]) {
    this.#tokens = tokens
  }

  get done(): boolean {
    return this.#at >= this.#tokens.length
  }

  /** The next token, which stays the next one. */
  get next(): AddressToken | undefined {
    return this.#tokens[this.#at]
  }

  /** The next token, which is passed over. */
  read(): AddressToken | undefined {
    return this.#tokens[this.#at++]
  }

  /** What `form` finds here; where it finds nothing, nothing is passed over. */
  attempt<T>(form: () => T | undefined): T | undefined {
    const start = this.#at
    const found = form()
    if (found === undefined) this.#at = start
    return found
  }

  /** The name before a group's members, with its colon. */
  groupName(): string | undefined {
    return this.attempt(() => {
      const name = this.#phrase()
      return name !== '' && this.take(':') ? name : undefined
    })
  }

  /** Passes over this special character, if it is next. */
  take(special: string): boolean {
    const next = this.#tokens[this.#at]
    const there = next?.kind === 'special' && next.text === special
    if (there) this.#at++
    return there
  }

  /** `name: a@b, c@d;` */
  group(): { name: string; addresses: readonly Mailbox[] } | undefined {
    return this.attempt(() => {
      const name = this.groupName()
      const addresses = name === undefined ? undefined : this.mailboxes(Number.POSITIVE_INFINITY)
      return name !== undefined && addresses && this.take(';') ? { name, addresses } : undefined
    })
  }

  /** Mailboxes with commas between them, up to `limit`, or to a semicolon. */
  mailboxes(limit: number): Mailbox[] | undefined {
    const found: Mailbox[] = []
    while (found.length < limit) {
      while (limit > 1 && this.take(','));
      const next = this.#tokens[this.#at]
      if (!next || (next.kind === 'special' && next.text === ';')) return limit > 1 ? found : undefined
      const mailbox = this.mailbox()
      if (!mailbox) return undefined
      found.push(mailbox)
      if (limit > 1 && !this.take(',')) return found
    }
    return found
  }

  /** `a@b` or `name <a@b>`. */
  mailbox(): Mailbox | undefined {
    const bare = this.attempt(() => this.#addrSpec())
    if (bare) return { name: '', route: '', ...bare }
    const name = this.#phrase()
    if (!this.take('<')) return undefined
    const route = this.#route()
    const spec = this.#addrSpec()
    return spec && this.take('>') ? { name, route, ...spec } : undefined
  }

  /** Words and dots, as they are written but for quotes; spaces between them become one. */
  #phrase(): string {
    let phrase = ''
    let last: AddressToken | undefined
    for (let next = this.#tokens[this.#at]; next; next = this.#tokens[++this.#at]) {
      const dot = next.kind === 'special' && next.text === '.'
      if (!(next.kind === 'atom' || next.kind === 'quoted' || (dot && last))) break
      phrase += (last && next.start > last.end ? ' ' : '') + next.text
      last = next
    }
    return phrase
  }

  #addrSpec(): { mailbox: string; host: string } | undefined {
    const mailbox = this.#dotted(['atom', 'quoted'])
    if (mailbox === undefined || !this.take('@')) return undefined
    const host = this.#domain()
    return host === undefined ? undefined : { mailbox, host }
  }

  #domain(): string | undefined {
    const next = this.#tokens[this.#at]
    if (next?.kind !== 'literal') return this.#dotted(['atom'])
    this.#at++
    return next.text
  }

  #dotted(kinds: readonly AddressToken['kind'][]): string | undefined {
    const words: string[] = []
    do {
      const next = this.#tokens[this.#at]
      if (!next || !kinds.includes(next.kind)) return undefined
      words.push(next.text)
      this.#at++
    } while (this.take('.'))
    return words.join('.')
  }

  /** `@a,@b:` before an address in angle brackets (RFC 5322 §4.4), without the colon. */
  #route(): string {
    const found = this.attempt(() => {
      const hosts: string[] = []
      while (this.take('@')) {
        const host = this.#domain()
        if (host === undefined) return undefined
        hosts.push(`@${host}`)
        while (this.take(','));
      }
      return hosts.length > 0 && this.take(':') ? hosts.join(',') : undefined
    })
    return found ?? ''
  }
}
