/** Things that several instances use at once, also of different configurations: pools, caches, writers. */
export class Shared {
  readonly #entries = new Map<string, Entry>()

  /**
   * What goes by that key: opened by the first who asks, closed when the last `held` is disposed of. Throws what `open`
   * throws, to everybody who waits for it; whoever asks after that tries anew.
   */
  async get<T extends AsyncDisposable>(held: AsyncDisposableStack, key: string, open: () => Promise<T>): Promise<T> {
    // What is being closed may hold on to a file or a lock that is needed to open it again.
    for (let entry = this.#entries.get(key); entry?.closing; entry = this.#entries.get(key)) await entry.closing
    const entry = this.#entries.get(key) ?? { opened: open(), holders: 0, closing: undefined }
    this.#entries.set(key, entry)
    entry.holders++
    try {
      await entry.opened
    } catch (error) {
      if (this.#entries.get(key) === entry) this.#entries.delete(key)
      throw error
    }
    held.defer(() => this.#release(key, entry))
    return (await entry.opened) as T
  }

  async #release(key: string, entry: Entry): Promise<void> {
    if (--entry.holders > 0) return
    entry.closing = (async () => {
      try {
        await (await entry.opened)[Symbol.asyncDispose]()
      } finally {
        this.#entries.delete(key)
      }
    })()
    await entry.closing
  }
}

interface Entry {
  readonly opened: Promise<AsyncDisposable>
  holders: number
  closing: Promise<void> | undefined
}
