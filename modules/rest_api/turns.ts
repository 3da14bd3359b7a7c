/** Runs work on one key after the other: what takes several steps is not to meet another change to the same user half-way. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work)
    const done = turn.catch(() => {})
    this.#last.set(key, done)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === done) this.#last.delete(key)
    }
  }
}
