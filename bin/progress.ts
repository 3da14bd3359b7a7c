/** Shows on a terminal how far a long piece of work has come, in one line that is written over; nothing elsewhere. */
export class Progress implements Disposable {
  readonly #total: number
  readonly #what: string
  readonly #shown: boolean
  #done = 0

  /** `what` are the things that are counted. Not shown either when standard output goes to the same terminal, if `alone`. */
  constructor(total: number, what: string, { alone = false }: { readonly alone?: boolean } = {}) {
    this.#total = total
    this.#what = what
    this.#shown = process.stderr.isTTY === true && !(alone && process.stdout.isTTY)
  }

  add(count = 1): void {
    this.#done += count
    if (this.#shown) process.stderr.write(`\r${this.#done} of ${this.#total} ${this.#what}`)
  }

  /** Ends the line. */
  [Symbol.dispose](): void {
    if (this.#shown && this.#done > 0) process.stderr.write('\n')
  }
}
