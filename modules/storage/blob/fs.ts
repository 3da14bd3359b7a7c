import { createReadStream } from 'node:fs'
import { access, constants, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BlobMissing, BlobStore, ConfigError, custom, defineModule, text } from '../../../core/index.ts'
import { FolderSync } from './_folder_sync.ts'

/** Files under another name belong to a blob on its way; a day later nobody is at work on them any more. */
const unfinished = /^\.[0-9a-f]{32}\.[0-9a-f]+\.tmp$/
const day = 24 * 60 * 60 * 1000

/** A folder with a file for each blob. */
export default defineModule({
  name: 'storage.blob.fs',
  doc: 'Keeps message bodies as files in one folder, each named by its key.',
  provides: [BlobStore],
  inline: custom({ args: 'custom: the folder', usage: '[FOLDER]' }, ([folder, extra]) => {
    if (extra) throw new ConfigError(extra.at, 'storage.blob.fs takes one folder only')
    return folder?.text
  }),
  config: {
    root: text('FOLDER').doc(
      'The folder; relative ones are taken from the state directory. Wins over the one given inline.',
    ),
  },
  create({ root, inline }, { path, at, log }) {
    const written = root ?? inline
    if (!written) throw new ConfigError(at, 'storage.blob.fs needs root FOLDER')
    const folder = path(written)
    return Object.assign(new FileBlobs(folder), {
      async inspect() {
        const found = await stat(folder).catch(() => undefined)
        if (!found) return // made at the start
        if (!found.isDirectory()) throw new Error(`${folder} is no folder`)
        await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
      },
      async start() {
        const first = await mkdir(folder, { recursive: true, mode: 0o700 })
        for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made)) {
          await new FolderSync(dirname(made)).sync() // or else all that is in it might be gone with its name
        }
        const removed = await removeUnfinished(folder)
        if (removed > 0) log.info('unfinished bodies removed', { files: removed })
      },
    })
  },
})

const removeUnfinished = async (folder: string): Promise<number> => {
  let removed = 0
  for await (const { name } of await opendir(folder)) {
    if (!unfinished.test(name)) continue
    const file = join(folder, name)
    const found = await stat(file).catch(() => undefined)
    if (!found || Date.now() - found.mtimeMs < day) continue
    await rm(file, { force: true })
    removed++
  }
  return removed
}

class FileBlobs implements BlobStore {
  readonly #folder: string
  readonly #sync: FolderSync

  constructor(folder: string) {
    this.#folder = folder
    this.#sync = new FolderSync(folder)
  }

  async put(key: string, content: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    const file = this.#file(key)
    const temporary = join(this.#folder, `.${key}.${process.pid.toString(16)}.tmp`)
    let left = temporary
    try {
      const handle = await open(temporary, 'wx', 0o600)
      try {
        await handle.writeFile(content)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
      left = file
      await this.#sync.sync()
    } catch (error) {
      await rm(left, { force: true })
      throw error
    }
  }

  async *get(key: string, start = 0, length?: number): AsyncIterable<Uint8Array> {
    if (length === 0) return
    const end = length === undefined ? {} : { end: start + length - 1 }
    try {
      yield* createReadStream(this.#file(key), { start, ...end }) as AsyncIterable<Uint8Array>
    } catch (error) {
      throw isMissing(error) ? new BlobMissing(key, { cause: error }) : error
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) await rm(this.#file(key), { force: true })
  }

  async *list(): AsyncIterable<{ key: string; modified: Date }> {
    for await (const { name } of await opendir(this.#folder)) {
      if (!isKey(name)) continue
      const found = await stat(join(this.#folder, name)).catch(() => undefined)
      if (found) yield { key: name, modified: found.mtime }
    }
  }

  /** No key leads out of the folder. */
  #file(key: string): string {
    if (!isKey(key)) throw new RangeError(`${JSON.stringify(key)} is no key of a blob`)
    return join(this.#folder, key)
  }
}

const isKey = (text: string): boolean => /^[0-9a-f]{32}$/.test(text)

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
