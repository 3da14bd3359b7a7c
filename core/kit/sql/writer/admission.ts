/** Lets in only so many, and so much, at once; the others wait in order. What is too large by itself goes in alone. */
export class Admission {
  readonly #places: number
  readonly #bytes: number
  readonly #waiting: { readonly bytes: number; readonly enter: () => void }[] = []
  #usedPlaces = 0
  #usedBytes = 0

  constructor(places: number, bytes: number) {
    this.#places = places
    this.#bytes = bytes
  }

  /** Resolves when there is room; what it resolves to gives the room back. */
  async enter(bytes: number): Promise<Disposable> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      await new Promise<void>((enter) => this.#waiting.push({ bytes, enter }))
    } else {
      this.#take(bytes)
    }
    return { [Symbol.dispose]: () => this.#leave(bytes) }
  }

  #fits(bytes: number): boolean {
    return this.#usedPlaces === 0 || (this.#usedPlaces < this.#places && this.#usedBytes + bytes <= this.#bytes)
  }

  #take(bytes: number): void {
    this.#usedPlaces++
    this.#usedBytes += bytes
  }

  #leave(bytes: number): void {
    this.#usedPlaces--
    this.#usedBytes -= bytes
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#take(next.bytes)
      next.enter()
    }
  }
}
