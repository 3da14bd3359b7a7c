import type { Budget } from './budget.ts'
import { macroName } from './name.ts'
import type { Node, Position, Word } from './node.ts'
import { type Report, show } from './report.ts'

/** The macros known at one point of a file. A value is a list of words, possibly none. */
export type Macros = Map<string, readonly Word[]>

/** Replaces macro references, and gives every word it returns the chain of imports it came in by. */
export class MacroExpander {
  readonly #macros: Macros
  readonly #via: Position | undefined
  readonly #report: Report
  readonly #budget: Budget

  constructor(macros: Macros, via: Position | undefined, report: Report, budget: Budget) {
    this.#macros = macros
    this.#via = via
    this.#report = report
    this.#budget = budget
  }

  /** `$(name) = value…`. The values may refer to what the macro was before. */
  declare({ name, args }: Node): void {
    const key = macroName(name.text)
    if (key !== undefined) this.#macros.set(key, this.words(args.slice(1)))
  }

  node({ name, args, children }: Node): Node {
    return {
      name: this.#word(name, name.text),
      args: this.words(args),
      ...(children && { children: children.map((child) => this.node(child)) }),
    }
  }

  words(words: readonly Word[]): Word[] {
    return words.flatMap((word) => (word.text.includes('$(') ? this.#expand(word) : this.#word(word, word.text)))
  }

  /** A word that is one reference and nothing else stands for all values; inside a longer text there is room for one. */
  #expand(word: Word): Word | Word[] {
    const [, whole] = /^\$\(([^)]*)\)$/.exec(word.text) ?? []
    if (whole !== undefined) {
      return this.#values(whole, word).map(({ text, quoted }) => this.#word({ ...word, quoted }, text))
    }
    let length = word.text.length
    const text = word.text.replace(/\$\(([^)$]*)\)/g, (_reference, name: string) => {
      const [value, ...more] = this.#values(name, word)
      if (more.length > 0) {
        const reason = `${show(`$(${name})`)} has ${more.length + 1} values, but a longer text can take only one`
        this.#report.problem(this.#at(word), reason)
      }
      length += value?.text.length ?? 0
      if (length > maxLength)
        this.#budget.giveUp(this.#at(word), `macros make this longer than ${maxLength} characters`)
      return value?.text ?? ''
    })
    return this.#word(word, text)
  }

  #values(name: string, word: Word): readonly Word[] {
    const values = this.#macros.get(name)
    if (!values) this.#report.warn(this.#at(word), `${show(`$(${name})`)} is not defined here and stands for nothing`)
    return values ?? []
  }

  #word(word: Word, text: string): Word {
    const at = this.#at(word)
    this.#budget.word(text, at)
    return { text, quoted: word.quoted, at }
  }

  #at({ at }: Word): Position {
    return this.#via ? { ...at, via: this.#via } : at
  }
}

/** How long macros can make one word, in UTF-16 code units. */
const maxLength = 1024 * 1024
