import type { Logger } from '../../core/index.ts'
import { ApiError } from './errors.ts'

/** The way back from steps that have been taken, in stores that have no transaction in common. */
export class Undo {
  readonly #log: Logger
  readonly #steps: { readonly what: string; readonly undo: () => Promise<void> }[] = []

  constructor(log: Logger) {
    this.#log = log
  }

  /** `what` has been done; says how to take it back. */
  did(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo })
  }

  /** Takes back all steps, the last first, after `cause`, which it throws: or a 500 when something remains, which is in the log. */
  async all(cause: unknown): Promise<never> {
    const left: string[] = []
    for (const { what, undo } of this.#steps.toReversed()) {
      try {
        await undo()
      } catch (error) {
        left.push(what)
        this.#log.error('a change could not be taken back', error, { left: what })
      }
    }
    throw left.length === 0 ? cause : new ApiError(500, 'Internal Server Error', { cause })
  }
}
