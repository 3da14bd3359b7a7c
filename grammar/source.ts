import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Position } from './node.ts'
import { type Parsed, parseText } from './parse.ts'
import type { Report } from './report.ts'
import { decode, maxFileSize } from './text.ts'

/** Reads a file. Rejects as `node:fs` does; `code` tells a file that does not exist (ENOENT) from other failures. */
export type ReadFile = (path: string) => Promise<Uint8Array | string>

/** Why a file cannot be had. */
export class Unreadable {
  readonly reason: string
  /** Whether there simply is no such file. */
  readonly missing: boolean

  constructor(error: unknown) {
    const failure: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
    const { errno, code, message } = failure
    this.missing = code === 'ENOENT' || code === 'ENOTDIR'
    if (code === 'EISDIR') this.reason = 'it is a directory'
    else this.reason = typeof errno === 'number' ? getSystemErrorMessage(errno) : message
  }
}

/** The files of one configuration, each read and parsed once, however often it is imported. */
export class Sources {
  readonly #read: ReadFile
  readonly #cwd: string
  readonly #report: Report
  readonly #loaded = new Map<string, Parsed | Unreadable>()
  readonly #told = new Set<Parsed>()

  constructor(read: ReadFile | undefined, cwd: string | undefined, report: Report) {
    this.#read = read ?? readLimited
    this.#cwd = cwd ?? process.cwd()
    this.#report = report
  }

  /** The absolute path of every file that could be read, in the order of reading. */
  get files(): string[] {
    return [...this.#loaded].flatMap(([path, loaded]) => (loaded instanceof Unreadable ? [] : [path]))
  }

  /** The path that tells one file from another. */
  path(file: string): string {
    return resolve(this.#cwd, file)
  }

  /** The parsed file. What is wrong with its text goes to the report. */
  async load(file: string, via: Position | undefined): Promise<Parsed | Unreadable> {
    const path = this.path(file)
    const loaded = this.#loaded.get(path) ?? (await this.#parse(path, file))
    this.#loaded.set(path, loaded)
    if (!(loaded instanceof Unreadable)) this.tell(loaded, via)
    return loaded
  }

  /** Passes on what is wrong with a parsed text, once. */
  tell(parsed: Parsed, via: Position | undefined): void {
    if (this.#told.has(parsed)) return
    this.#told.add(parsed)
    const from = (at: Position): Position => (via ? { ...at, via } : at)
    for (const { at, reason } of parsed.problems) this.#report.problem(at && from(at), reason)
    for (const { at, reason } of parsed.warnings) if (at) this.#report.warn(from(at), reason)
  }

  async #parse(path: string, file: string): Promise<Parsed | Unreadable> {
    let content: Uint8Array | string
    try {
      content = await this.#read(path)
      if (content.length > maxFileSize) throw tooLarge()
    } catch (error) {
      return new Unreadable(error)
    }
    return parseText(decode(content, file, this.#report), file)
  }
}

const tooLarge = () => new RangeError(`it is larger than ${maxFileSize} bytes`)

/** Reads a whole file, but no endless one: somebody might import a device. */
const readLimited: ReadFile = async (path) => {
  await using file = await open(path)
  const chunks: Uint8Array[] = []
  for (let size = 0; ; ) {
    const { bytesRead, buffer } = await file.read({ buffer: new Uint8Array(65536) })
    if (bytesRead === 0) return Buffer.concat(chunks)
    chunks.push(buffer.subarray(0, bytesRead))
    size += bytesRead
    if (size > maxFileSize) throw tooLarge()
  }
}
