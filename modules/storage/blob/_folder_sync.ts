import { open } from 'node:fs/promises'

/**
 * Makes the names in a folder durable. Whoever asks while one round is under way shares the next, so that many files cost
 * few rounds.
 */
export class FolderSync {
  readonly #folder: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves once every name that was there when it was called is on the disk. */
  sync(): Promise<void> {
    if (this.#next) return this.#next
    if (!this.#running) return this.#round()
    const next = this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.#round()
      })
    this.#next = next
    return next
  }

  #round(): Promise<void> {
    const round = flush(this.#folder).finally(() => {
      if (this.#running === round) this.#running = undefined
    })
    this.#running = round
    return round
  }
}

const flush = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
