import { randomBytes } from 'node:crypto'
import { access, constants, link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Logger } from '../../../core/index.ts'
import { keyPem, parseKey, recordOf, type SigningKey } from '../../../core/kit/dkim/index.ts'
import type { KeyStore } from './store.ts'

export interface KeyFilesOptions {
  /** The absolute path of the key of a domain. */
  readonly path: (domain: string) => string
  /** The name in DNS of the record of a domain. */
  readonly dnsName: (domain: string) => string
  readonly log: Logger
}

/** A PEM file for each key, and beside it one with the record that goes into DNS. */
export class KeyFiles implements KeyStore {
  readonly freshFor = Number.POSITIVE_INFINITY // a reload reads them anew
  readonly #options: KeyFilesOptions

  constructor(options: KeyFilesOptions) {
    this.#options = options
  }

  /** Looks for what would make the start fail. */
  async inspect(domain: string): Promise<void> {
    if (await this.load(domain)) return
    const folder = dirname(this.#options.path(domain))
    await access(folder, constants.W_OK | constants.X_OK).catch((error) => {
      if (!isCode(error, 'ENOENT')) throw error // made at the start
    })
  }

  async load(domain: string): Promise<SigningKey | undefined> {
    const path = this.#options.path(domain)
    try {
      return await parseKey(await readFile(path, 'utf8'))
    } catch (cause) {
      if (isCode(cause, 'ENOENT')) return undefined
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`the DKIM key ${path} cannot be used: ${reason}`, { cause })
    }
  }

  /**
   * The record comes first, so that there never is a key without. The key appears all at once under its name, and only
   * where none is: of two processes that make one at the same time, both use that of the first. Whoever comes second has
   * written a record of its own by then, and so each looks at the record once more.
   */
  async add(domain: string, key: SigningKey): Promise<SigningKey> {
    const path = this.#options.path(domain)
    const record = recordPath(path)
    await makeFolder(dirname(path))
    await write(record, recordOf(key), 0o666, rename)
    const ours = await write(path, keyPem(key), 0o600, link).then(
      () => true,
      (error) => {
        if (isCode(error, 'EEXIST')) return false
        throw error
      },
    )
    const kept = ours ? key : await this.load(domain)
    if (!kept) throw new Error(`the DKIM key ${path} is there, and cannot be found`)
    if ((await readFile(record, 'utf8')) !== recordOf(kept)) await write(record, recordOf(kept), 0o666, rename)
    await syncFolder(dirname(path))
    if (ours) {
      this.#options.log.info('generated a new DKIM key; its record has to be put into DNS', {
        algorithm: key.algorithm,
        key: path,
        record,
        dns_name: this.#options.dnsName(domain),
      })
    }
    return kept
  }
}

/** `x.dns` for `x.key`, and for any other name that with `.dns` after it. */
const recordPath = (path: string): string => `${path.endsWith('.key') ? path.slice(0, -4) : path}.dns`

/** Writes a file under another name, and has `place` give it its own once it is on the disk. */
const write = async (
  path: string,
  content: string,
  mode: number,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> => {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(content)
      await file.datasync()
    } finally {
      await file.close()
    }
    await place(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** The new folders are durable when it resolves. */
const makeFolder = async (folder: string): Promise<void> => {
  const first = await mkdir(folder, { recursive: true })
  for (let made = folder; first !== undefined && made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
