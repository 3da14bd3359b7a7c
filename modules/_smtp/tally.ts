import type { Counters } from '../../core/index.ts'
import { SmtpError } from '../../core/index.ts'

/** Counts what becomes of the transactions of an endpoint, by maddy's names. */
export class Tally {
  readonly #counters: Counters
  readonly #labels: { readonly module: string }

  constructor(counters: Counters, module: string) {
    this.#counters = counters
    this.#labels = { module }
  }

  started(): void {
    this.#counters.add('maddy_smtp_started_transactions', this.#labels)
  }

  completed(): void {
    this.#counters.add('maddy_smtp_smtp_completed_transactions', this.#labels)
  }

  aborted(): void {
    this.#counters.add('maddy_smtp_aborted_transactions', this.#labels)
  }

  failed(command: 'EHLO' | 'MAIL' | 'RCPT' | 'DATA', error: unknown): void {
    const { code, enhanced } = SmtpError.from(error)
    const reply = { command, smtp_code: String(code), smtp_enchcode: enhanced }
    this.#counters.add('maddy_smtp_failed_commands', { ...this.#labels, ...reply })
  }
}
