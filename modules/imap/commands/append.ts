import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, loggedIn } from '../command.ts'
import { orTryCreate } from '../failure.ts'
import { checkFlags } from '../limits.ts'

/**
 * APPEND (RFC 9051 §6.3.12), with APPENDUID (RFC 4315). Mailbox, size and quota are looked at before the message is sent, so
 * that a client that waits to be asked need not send it in vain (RFC 7889).
 */
export const append: Command = {
  name: 'APPEND',
  states: loggedIn,
  async spool({ account }, before, size) {
    if (before.done) return false // the literal is the name of the mailbox
    const { mailbox } = readHead(before)
    const limit = await orTryCreate(account.appendLimit(mailbox))
    if (limit !== undefined && size > limit) throw new ImapError('NO', 'TOOBIG', 'Message too large')
    const quota = await account.quota()
    if (quota.limit > 0 && quota.used + size > quota.limit) throw new ImapError('NO', 'OVERQUOTA', 'Quota exceeded')
    return true
  },
  async run({ account }, args) {
    const { mailbox, flags, internalDate } = readHead(args)
    const content = args.message()
    args.end()
    const { uidValidity, uids } = await orTryCreate(account.append(mailbox, [{ content, flags, internalDate }]))
    return { code: `APPENDUID ${uidValidity} ${uids.join(',')}` }
  },
}

/** All that stands before the message. */
function readHead(args: Arguments) {
  const mailbox = args.mailbox()
  args.space()
  const flags = args.next('(') ? args.flagList() : undefined
  if (flags) args.space()
  const internalDate = args.next('"') ? args.dateTime() : undefined
  if (internalDate !== undefined) args.space()
  checkFlags(flags ?? [])
  return {
    mailbox,
    flags: (flags ?? []).filter((flag) => flag !== '\\Recent'),
    internalDate: internalDate ?? Date.now(),
  }
}
