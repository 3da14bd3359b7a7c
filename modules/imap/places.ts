/** Counts what is open for each key, such as an address or an account, and lets in only so many at once; 0 is any number. */
export class Places {
  readonly #most: number
  readonly #taken = new Map<string, number>()

  constructor(most: number) {
    this.#most = most
  }

  /** A place, to be given back by disposal; undefined when none is left. */
  take(key: string): Disposable | undefined {
    const taken = this.#taken.get(key) ?? 0
    if (this.#most > 0 && taken >= this.#most) return undefined
    this.#taken.set(key, taken + 1)
    return { [Symbol.dispose]: () => this.#leave(key) }
  }

  #leave(key: string): void {
    const left = (this.#taken.get(key) ?? 1) - 1
    if (left > 0) this.#taken.set(key, left)
    else this.#taken.delete(key)
  }
}
