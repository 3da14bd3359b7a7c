const width = 76

/**
 * Builds a DKIM-Signature field, folded so that no line is longer than needs be. `b` comes last and is added when the rest
 * has been hashed: what stands before its value does not change then.
 */
export class SignatureField {
  #text = ''
  #line = 'DKIM-Signature:'

  /** A tag whose value is one word. */
  tag(name: string, value: string): this {
    return this.#add(` ${name}=${value};`)
  }

  /** A tag that is a list with colons. */
  list(name: string, words: readonly string[]): this {
    const last = words.length - 1
    for (const [index, word] of words.entries()) {
      this.#add(`${index === 0 ? ` ${name}=` : ''}${word}${index === last ? ';' : ':'}`)
    }
    return this
  }

  /** The field with an empty `b`, and without a line end, as it is hashed (RFC 6376 §3.7). */
  unsigned(): string {
    this.#add(' b=')
    return this.#text + this.#line
  }

  /** The whole field, with its CRLF. */
  signed(signature: string): string {
    let left = signature
    while (left !== '') {
      const room = Math.max(width - this.#line.length, 0)
      this.#line += left.slice(0, room)
      left = left.slice(room)
      if (left !== '') this.#fold()
    }
    return `${this.#text}${this.#line}\r\n`
  }

  #add(words: string): this {
    if (this.#line.length + words.length > width) {
      this.#fold()
      words = words.trimStart()
    }
    this.#line += words
    return this
  }

  #fold(): void {
    this.#text += `${this.#line}\r\n`
    this.#line = ' '
  }
}
