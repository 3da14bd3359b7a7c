import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Logger } from '../log.ts'

/** Editors and package managers change a file in several steps; this long nothing may have happened. Milliseconds. */
const quiet = 200

/**
 * Calls back after one of the files has changed. It is the folders that are watched, since most programs put a new file in
 * the place of an old one.
 */
export class Watcher implements Disposable {
  readonly #changed: () => void
  readonly #log: Logger
  readonly #watchers: FSWatcher[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(log: Logger, changed: () => void) {
    this.#log = log
    this.#changed = changed
  }

  /** Watches these files, given by absolute paths, and no others. */
  watch(files: readonly string[]): void {
    this.#close()
    for (const [folder, paths] of Map.groupBy(files, dirname)) {
      const names = new Set(paths.map((path) => basename(path)))
      try {
        const watcher = watch(folder, (_event, name) => {
          // Kubernetes exchanges a folder that the file is linked into, named ..data.
          if (name === null || names.has(name) || name === '..data') this.#soon()
        })
        watcher.on('error', (error) => this.#log.error('cannot watch a folder', error, { folder }))
        watcher.unref()
        this.#watchers.push(watcher)
      } catch (error) {
        this.#log.error('cannot watch a folder', error, { folder })
      }
    }
  }

  #soon(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#changed(), quiet)
    this.#timer.unref()
  }

  #close(): void {
    for (const watcher of this.#watchers.splice(0)) watcher.close()
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#close()
  }
}
