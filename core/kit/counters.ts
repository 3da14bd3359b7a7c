/** What a counter is told apart by: `{ module: 'smtp' }`. */
export type Labels = Readonly<Record<string, string>>

/** One number of a process: how often something happened, or how much of it there is now. */
export interface Count {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

/** Different sets of labels that one name may have; a stranger could make up any number of them. */
const mostSeries = 1_000

/** Numbers that a process keeps of its work, by the names that Prometheus would know them by. */
export class Counters {
  readonly #series = new Map<string, Map<string, { readonly labels: Labels; value: number }>>()

  /** Adds to a number, or takes from it. */
  add(name: string, labels: Labels = {}, by = 1): void {
    const series = this.#series.get(name) ?? new Map()
    this.#series.set(name, series)
    const key = JSON.stringify(labels)
    const count = series.get(key)
    if (count) count.value += by
    else if (series.size < mostSeries) series.set(key, { labels, value: by })
  }

  /** Counts something for as long as it is there. */
  hold(name: string, labels: Labels = {}): Disposable {
    this.add(name, labels)
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.add(name, labels, -1)
        held = false
      },
    }
  }

  /** All numbers as they are now. */
  all(): readonly Count[] {
    return [...this.#series].flatMap(([name, series]) =>
      [...series.values()].map(({ labels, value }) => ({ name, labels, value })),
    )
  }
}
