import type { Body } from '../message/message.ts'
import type { Piece } from './arguments.ts'
import { ImapBye, ImapError } from './error.ts'
import { type Input, Interrupted, Silence } from './input.ts'

/** A command as received: what stands after its tag, as text and literals in turn. */
export interface ReceivedCommand {
  readonly tag: string
  readonly pieces: readonly Piece[]
}

/** The mark of a literal at the end of a line. */
export interface LiteralMark {
  readonly size: number
  /** `{n}`: the client waits to be asked for it; `{n+}`: it comes at once (RFC 7888). */
  readonly synchronizing: boolean
  /** `~{n}`, which may hold NUL (RFC 3516). */
  readonly binary: boolean
}

export interface ReadOptions {
  /** In bytes, without its end. */
  readonly lineLimit: number
  /** All lines of a command together, and the literals that are kept in memory. */
  readonly commandLimit: number
  /** The largest literal that is read to be thrown away. */
  readonly dropLimit: number
  /**
   * Decides what becomes of a literal, and reads it with `take`, which asks for it where that is needed. What it throws
   * refuses the command: then the literal is not asked for, or is dropped if it comes anyway.
   */
  readonly literal: (before: readonly Piece[], mark: LiteralMark, take: TakeLiteral) => Promise<Piece>
}

/** The octets of the literal, to be read to their end. */
export type TakeLiteral = () => AsyncGenerator<Uint8Array, void, undefined>

/** A command that cannot be run; it has been read to its end all the same. */
export class RefusedCommand extends Error {
  override readonly name = 'RefusedCommand'
  readonly tag: string | undefined

  constructor(tag: string | undefined, cause: unknown) {
    super('command refused', { cause })
    this.tag = tag
  }
}

const mark = /(~?)\{(\d{1,15})(\+?)\}$/
const tagged = /^([!#$&',-[\]-z|-~]+)(?: |$)/ // what an astring may hold, but for +

/**
 * Reads one command with all its literals; undefined at the end of the connection. `proceed` tells the client to send a
 * literal. Throws RefusedCommand, with what was wrong as its cause, and what Input throws.
 */
export async function readCommand(
  input: Input,
  proceed: () => Promise<void>,
  options: ReadOptions,
): Promise<ReceivedCommand | undefined> {
  const first = await input.line(options.lineLimit, true)
  if (!first) return undefined
  const [prefix = '', tag] = tagged.exec(first.text) ?? []
  const reading = new Reading(input, proceed, options, first.cut ? '' : first.text)
  try {
    if (first.cut) throw ImapError.bad('Line too long')
    if (tag === undefined) throw ImapError.bad('Expected a tag')
    return { tag, pieces: await reading.pieces(first.text.slice(prefix.length)) }
  } catch (error) {
    await disposePieces(reading.read)
    if (error instanceof ImapBye || error instanceof Silence || error instanceof Interrupted) throw error
    await reading.skip()
    throw new RefusedCommand(tag, error)
  }
}

/** A command in the middle of being read. */
class Reading {
  readonly #input: Input
  readonly #proceed: () => Promise<void>
  readonly #options: ReadOptions
  readonly read: Piece[] = []
  #size = 0
  /** The last line read; its literal is still to come, unless it has been taken. */
  #line: string
  /** Bytes missing of the literal being taken; undefined when none is. */
  #missing: number | undefined

  constructor(input: Input, proceed: () => Promise<void>, options: ReadOptions, line: string) {
    this.#input = input
    this.#proceed = proceed
    this.#options = options
    this.#line = line
  }

  async pieces(first: string): Promise<readonly Piece[]> {
    const { literal } = this.#options
    for (let line = first; ; line = await this.#nextLine()) {
      this.#grow(line.length)
      if (/[\0\r]/.test(line)) throw ImapError.bad('NUL or bare CR in a command')
      const found = markOf(line)
      this.read.push(found ? line.slice(0, line.lastIndexOf('{') - (found.binary ? 1 : 0)) : line)
      if (!found) return this.read
      const piece = await literal(this.read, found, () => this.#take(found))
      this.read.push(piece)
      if (this.#missing !== 0) throw new Error('a literal was not read')
      if (typeof piece === 'object' && piece.bytes) this.#grow(piece.size)
    }
  }

  #grow(size: number): void {
    this.#size += size
    if (this.#size > this.#options.commandLimit) throw ImapError.bad('Command too long')
  }

  async *#take({ size, synchronizing, binary }: LiteralMark): AsyncGenerator<Uint8Array, void, undefined> {
    if (synchronizing) await this.#proceed()
    this.#missing = size
    let nul = false
    for await (const chunk of this.#input.bytes(size)) {
      this.#missing -= chunk.length
      nul ||= chunk.includes(0)
      yield chunk
    }
    if (nul && !binary) throw ImapError.bad('NUL in a literal')
  }

  async #nextLine(): Promise<string> {
    this.#missing = undefined
    const line = await this.#input.line(this.#options.lineLimit)
    if (!line) throw new ImapBye('Connection ended within a command')
    this.#line = line.cut ? '' : line.text
    if (line.cut) throw ImapError.bad('Line too long')
    return line.text
  }

  /** Reads what the client sends of a refused command without being asked: the rest of a literal, and those with a plus. */
  async skip(): Promise<void> {
    for (;;) {
      if (this.#missing === undefined) {
        const found = markOf(this.#line)
        if (!found || found.synchronizing) return
        this.#missing = found.size
      }
      if (this.#missing > this.#options.dropLimit) throw new ImapBye('Literal too large')
      await this.#input.drop(this.#missing)
      await this.#nextLine().catch((error) => {
        if (!(error instanceof ImapError)) throw error
      })
    }
  }
}

const markOf = (line: string): LiteralMark | undefined => {
  const [, tilde, digits, plus] = mark.exec(line) ?? []
  return digits === undefined ? undefined : { size: Number(digits), synchronizing: plus === '', binary: tilde === '~' }
}

/** Removes what literals were spooled to. */
export const disposePieces = async (pieces: readonly Piece[]): Promise<void> => {
  for (const piece of pieces) {
    if (typeof piece !== 'object') continue
    const body: (Body & Partial<AsyncDisposable>) | undefined = piece.body
    await body?.[Symbol.asyncDispose]?.()
  }
}
