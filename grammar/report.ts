import { formatPosition, type Position, type Problem } from './node.ts'

/** How many problems are listed, and how many warnings; a file of noise has one on each line. */
const limit = 1000

/** Gathers what is wrong, so that everything can be told at once. The same thing about the same place is told once. */
export class Report {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []
  readonly #told = new Set<string>()

  /** Something that makes the configuration unusable. */
  problem(at: Position | undefined, reason: string): void {
    this.#add(this.problems, at, reason)
  }

  /** Something that is probably not meant as it is read. */
  warn(at: Position, reason: string): void {
    this.#add(this.warnings, at, reason)
  }

  #add(list: Problem[], at: Position | undefined, reason: string): void {
    if (list.length > limit) return
    const key = `${at === undefined ? '' : formatPosition(at)} ${reason}`
    if (this.#told.has(key)) return
    this.#told.add(key)
    list.push(list.length < limit ? { at, reason } : { at: undefined, reason: 'there is more; the rest is left out' })
  }
}

/** Written text as a message shows it: quoted, without control characters, not too long. */
export const show = (text: string, max = 60): string =>
  JSON.stringify(text.length > max ? `${text.slice(0, max)}…` : text)
