import type { SpecialUse } from '../../../core/index.ts'
import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, loggedIn } from '../command.ts'
import { asSpecialUse } from '../special_use.ts'

/** CREATE (RFC 9051 §6.3.4), with the special use of the new mailbox (RFC 6154 §3). */
export const create: Command = {
  name: 'CREATE',
  states: loggedIn,
  async run({ account }, args) {
    const name = args.mailbox().replace(/\.$/, '') // a separator at the end says no more than that there will be children
    const use = args.accept(' ') ? specialUse(args) : undefined
    args.end()
    if (name === 'INBOX') throw new ImapError('NO', 'ALREADYEXISTS', 'INBOX always exists')
    await account.create(name, use)
    return undefined
  },
}

/** `(USE (\Sent))`; one use is all a mailbox can have. */
function specialUse(args: Arguments): SpecialUse | undefined {
  const uses = args.nested(() => {
    if (args.word('USE') !== 'USE') throw ImapError.bad('Expected USE')
    args.space()
    return args.flagList()
  })
  const known = uses.map(asSpecialUse)
  if (known.length > 1 || known.includes(undefined))
    throw new ImapError('NO', 'USEATTR', 'That special use cannot be given')
  return known[0]
}
