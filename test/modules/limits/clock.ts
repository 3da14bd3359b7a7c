import { setImmediate } from 'node:timers/promises'
import { readBlock } from '../../../core/index.ts'
import type { Limits } from '../../../core/mail/limits.ts'
import type { Clock } from '../../../modules/limits/clock.ts'
import limits, { limitsOf } from '../../../modules/limits/index.ts'
import { nodes } from '../../support/nodes.ts'
import { bareScope } from '../../support/scope.ts'

/** A clock that stands still until it is told to go on. */
export class TestClock implements Clock {
  #now = 0
  readonly #bells = new Set<{ readonly at: number; readonly run: () => void }>()

  now(): number {
    return this.#now
  }

  after(milliseconds: number, run: () => void): Disposable {
    const bell = { at: this.#now + milliseconds, run }
    this.#bells.add(bell)
    return { [Symbol.dispose]: () => this.#bells.delete(bell) }
  }

  /** How many bells are set. */
  get waiting(): number {
    return this.#bells.size
  }

  /** Lets time pass, ringing what is due in its order. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#now + milliseconds
    while (true) {
      await setImmediate()
      const [next] = [...this.#bells].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (!next) break
      this.#bells.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.run()
    }
    this.#now = until
    await setImmediate()
  }
}

/** The limits of a block's lines, on a clock of their own. */
export const limitsFrom = async (lines: string): Promise<{ readonly limits: Limits; readonly clock: TestClock }> => {
  const [node] = await nodes(`limits {\n${lines}\n}`)
  if (!node) throw new Error('no block')
  const clock = new TestClock()
  return { limits: limitsOf(await readBlock(limits.config, node, bareScope()), clock), clock }
}

/** What has become of a promise by now: nothing yet, a slot, or the text of an error. */
export const stateOf = async (promise: Promise<unknown>): Promise<string> => {
  const settled = promise.then(
    () => 'taken',
    (error) => String(error.message),
  )
  return await Promise.race([settled, setImmediate('pending')])
}
