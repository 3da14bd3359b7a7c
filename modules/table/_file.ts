import type { Stats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from '../../core/index.ts'
import { parseEntries } from './_entries.ts'

/** A file that was changed less than this ago may still be in the writing. Milliseconds. */
const settling = 7_500

type Entries = ReadonlyMap<string, readonly string[]>

/** The entries of a file, and what it takes to keep up with it. A look-up never waits for a reading. */
export class EntryFile {
  readonly #path: string
  readonly #log: Logger
  #entries: Entries = new Map()
  /** The file as it was when last read; undefined when it was missing. */
  #loaded: Stats | undefined
  #refreshing: Promise<void> | undefined

  constructor(path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  get(key: string): readonly string[] {
    return this.#entries.get(key) ?? []
  }

  /** Throws what would keep it from being loaded. */
  async inspect(): Promise<void> {
    if (await this.#stat()) await this.#read()
  }

  /** Reads the file whatever its age. A missing one is an empty table. Throws what is wrong with it. */
  async load(): Promise<void> {
    const found = await this.#stat()
    if (!found) this.#log.info('file does not exist, the table is empty for now', { path: this.#path })
    this.#entries = found ? await this.#read() : new Map()
    this.#loaded = found
  }

  /** Reads the file again if it has changed and come to rest by `now`. Whatever is wrong is logged and leaves the old contents. */
  refresh(now = Date.now()): Promise<void> {
    this.#refreshing ??= this.#refresh(now)
      .catch((error) => this.#log.error('table was not reloaded', error, { path: this.#path }))
      .finally(() => {
        this.#refreshing = undefined
      })
    return this.#refreshing
  }

  async #refresh(now: number): Promise<void> {
    const found = await this.#stat()
    if (!found) {
      if (this.#loaded) this.#log.info('file is gone, the table is empty for now', { path: this.#path })
      this.#entries = new Map()
      this.#loaded = undefined
      return
    }
    if (same(found, this.#loaded)) return
    const age = now - found.mtimeMs
    if (age >= 0 && age < settling) return // a time to come says nothing of a writer, only of a clock
    const entries = await this.#read()
    if (!same(found, await this.#stat())) return // changed under the reading; the next turn will have it
    this.#entries = entries
    this.#loaded = found
    this.#log.debug('table reloaded', { path: this.#path, keys: entries.size })
  }

  async #stat(): Promise<Stats | undefined> {
    try {
      return await stat(this.#path)
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }

  async #read(): Promise<Entries> {
    return parseEntries(await readFile(this.#path, 'utf8'), this.#path)
  }
}

const missing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Any change counts, an older time too: that is how a backup comes back. */
const same = (a: Stats, b: Stats | undefined): boolean =>
  a.mtimeMs === b?.mtimeMs && a.size === b.size && a.ino === b.ino && a.dev === b.dev
