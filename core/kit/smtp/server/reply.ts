import { SmtpError } from '../error.ts'

/** A command where it does not belong. */
export const badSequence = (text: string): SmtpError => SmtpError.permanent(502, '5.5.1', text)

export const notGreeted = (): SmtpError => badSequence('Please introduce yourself first.')

/** Goes on once something is done: at once when it is, without a promise, of which there would be several for each command. */
export const afterwards = (done: void | Promise<void>, next: () => void | Promise<void>): void | Promise<void> =>
  done instanceof Promise ? done.then(next) : next()
