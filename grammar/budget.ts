import type { Position } from './node.ts'
import type { Report } from './report.ts'

/** Thrown to give up on a configuration whose problem is in the report already. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp'
}

/** How many words a configuration may have once everything is expanded, and how many characters these. */
const maxWords = 1_000_000
const maxCharacters = 64 * 1024 * 1024

/** How many files may be brought in, counting one that is imported twice as two. */
const maxFiles = 10_000

/** Bounds what a few lines can grow into: macros and snippets made of each other double with every line. */
export class Budget {
  readonly #report: Report
  #words = 0
  #characters = 0
  #files = 0

  constructor(report: Report) {
    this.#report = report
  }

  /** Accounts for one more word. @throws GivenUp when there are too many */
  word(text: string, at: Position): void {
    this.#words++
    this.#characters += text.length
    if (this.#words > maxWords)
      this.giveUp(at, `macros and imports make more than ${maxWords} words of this configuration`)
    if (this.#characters > maxCharacters) {
      this.giveUp(at, `macros and imports make more than ${maxCharacters} characters of this configuration`)
    }
  }

  /** Accounts for one more file. @throws GivenUp when there are too many */
  file(at: Position): void {
    if (++this.#files > maxFiles) this.giveUp(at, `more than ${maxFiles} files are imported`)
  }

  /** Reports what cannot be gone on from. @throws GivenUp */
  giveUp(at: Position, reason: string): never {
    this.#report.problem(at, reason)
    throw new GivenUp(reason)
  }
}
