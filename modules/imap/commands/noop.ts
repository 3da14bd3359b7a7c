import { ImapError } from '../../../core/kit/imap/error.ts'
import { always, type Command, withMailbox } from '../command.ts'

/** NOOP (RFC 9051 §6.1.2): tells what is new, as any command does that may. */
export const noop: Command = {
  name: 'NOOP',
  states: always,
  async run(_session, args) {
    args.end()
    return undefined
  },
}

/** CHECK (RFC 3501 §6.4.1): what is stored is stored already. */
export const check: Command = {
  name: 'CHECK',
  states: withMailbox,
  async run({ view }, args) {
    args.end()
    if (view.readOnly) throw new ImapError('NO', undefined, 'Mailbox opened in read-only mode')
    return undefined
  },
}
