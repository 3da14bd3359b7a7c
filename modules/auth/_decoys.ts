import { randomBytes } from 'node:crypto'
import { link, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../core/index.ts'
import { type ScramChallenge, scramDecoy } from '../../core/kit/sasl/index.ts'

const keyLength = 32

/**
 * What is shown for user names that are not there. The key lies in the state directory, so that it is the same after a restart;
 * servers that share their users need the same file. It is read when it is first needed, and made when it is missing.
 */
export class Decoys {
  readonly #file: string
  readonly #log: Logger
  #key: Promise<Buffer> | undefined
  #iterations: number | undefined

  constructor(stateDirectory: string, log: Logger) {
    this.#file = join(stateDirectory, 'scram_decoys.key')
    this.#log = log
  }

  async challenge(username: string): Promise<ScramChallenge> {
    this.#key ??= this.#load()
    return scramDecoy(await this.#key, username, this.#iterations)
  }

  /** What is made up takes after the first user that is seen; where it followed each, it would change. */
  resemble({ iterations }: ScramChallenge): void {
    this.#iterations ??= iterations
  }

  async #load(): Promise<Buffer> {
    try {
      return (await this.#read()) ?? (await this.#make())
    } catch (error) {
      this.#log.error('made-up SCRAM salts change with each start: their key cannot be kept', error, {
        file: this.#file,
      })
      return randomBytes(keyLength)
    }
  }

  /** Undefined when there is none. */
  async #read(): Promise<Buffer | undefined> {
    try {
      const key = await readFile(this.#file)
      if (key.length < keyLength) throw new Error(`the file has less than ${keyLength} octets`)
      return key
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /** Another process may be about the same: the name is there only once the key is, and the first to give it wins. */
  async #make(): Promise<Buffer> {
    const key = randomBytes(keyLength)
    const temporary = `${this.#file}.${randomBytes(8).toString('hex')}`
    try {
      await using handle = await open(temporary, 'wx', 0o600)
      await handle.writeFile(key)
      await handle.datasync()
      await link(temporary, this.#file)
      return key
    } catch (error) {
      const theirs = (error as NodeJS.ErrnoException).code === 'EEXIST' ? await this.#read() : undefined
      if (!theirs) throw error
      return theirs
    } finally {
      await rm(temporary, { force: true })
    }
  }
}
