/** One piece of the value of an address field; blanks and comments are none. */
interface Token {
  readonly kind: 'word' | 'quoted' | 'literal' | 'special'
  readonly text: string
}

/**
 * How many addresses stand in the value of an address field (RFC 5322 §3.4), those of groups among them. Empty elements of
 * the list are passed over. Undefined when it is no list of addresses: stray words, a name without an address.
 */
export const countMailboxes = (value: string): number | undefined => {
  const tokens = tokenize(value)
  return tokens && new Reader(tokens).count()
}

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** `address-list`; within a group, which ends with a semicolon, `group-list`. */
  count(inGroup = false): number | undefined {
    let total = 0
    while (true) {
      const found = this.#takes(',', ';') || this.#at >= this.#tokens.length ? 0 : this.#element(inGroup)
      if (found === undefined) return undefined
      total += found
      if (this.#at >= this.#tokens.length) return inGroup ? undefined : total
      if (this.#takes(';')) return inGroup ? total : undefined
      if (!this.#takes(',')) return undefined
      this.#at++
    }
  }

  #takes(...specials: string[]): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'special' && specials.includes(token.text)
  }

  /** An address or a group. */
  #element(inGroup: boolean): number | undefined {
    let words = 0
    while (this.#isWord(this.#tokens[this.#at])) {
      this.#at++
      words++
    }
    if (this.#takes(':') && words > 0 && !inGroup) {
      this.#at++
      const members = this.count(true)
      this.#at++ // the semicolon
      return members
    }
    if (this.#takes('<')) {
      this.#at++
      if (!this.#isWord(this.#tokens[this.#at++]) || !this.#domain() || !this.#takes('>')) return undefined
      this.#at++
      return 1
    }
    return words === 1 && this.#domain() ? 1 : undefined
  }

  #isWord(token: Token | undefined): boolean {
    return token?.kind === 'word' || token?.kind === 'quoted'
  }

  /** `@` and what follows. */
  #domain(): boolean {
    if (!this.#takes('@')) return false
    const { kind } = this.#tokens[this.#at + 1] ?? {}
    this.#at += 2
    return kind === 'word' || kind === 'literal'
  }
}

const pattern = /(\s+)|("(?:[^"\\]|\\.)*")|(\[[^[\]\\]*\])|([<>,;:@])|([^\s()<>[\]:;@\\,"]+)/suy

const tokenize = (value: string): Token[] | undefined => {
  const tokens: Token[] = []
  const kinds = ['blank', 'quoted', 'literal', 'special', 'word'] as const
  let at = 0
  while (at < value.length) {
    if (value[at] === '(') {
      const end = commentEnd(value, at)
      if (end === undefined) return undefined
      at = end
      continue
    }
    pattern.lastIndex = at
    const [text, ...groups] = pattern.exec(value) ?? []
    if (text === undefined) return undefined
    at += text.length
    const kind = kinds[groups.findIndex((group) => group !== undefined)]
    if (kind !== undefined && kind !== 'blank') tokens.push({ kind, text })
  }
  return tokens
}

/** Comments nest, and a backslash takes the meaning off what follows it. */
const commentEnd = (value: string, start: number): number | undefined => {
  let depth = 0
  for (let at = start; at < value.length; at++) {
    if (value[at] === '\\') at++
    else if (value[at] === '(') depth++
    else if (value[at] === ')' && --depth === 0) return at + 1
  }
  return undefined
}
