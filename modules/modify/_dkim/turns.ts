import { SmtpError } from '../../../core/index.ts'

/** Tasks that wait; each is a message that waits for its key. */
const mostWaiting = 100

/**
 * Lets one task run at a time. All modifiers of the process share one: new keys cost seconds of a core, and of two that
 * want the same key the second finds it made.
 */
export class Turns implements AsyncDisposable {
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** Throws SmtpError when too many wait already, and what the task throws. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#waiting >= mostWaiting) {
      throw SmtpError.temporary(451, '4.3.2', 'Too many new signing keys are being made, try again later')
    }
    this.#waiting++
    const turn = this.#last.then(task)
    this.#last = turn.catch(() => {})
    try {
      return await turn
    } finally {
      this.#waiting--
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
  }
}
