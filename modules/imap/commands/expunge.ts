import type { UidRange } from '../../../core/index.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, withMailbox } from '../command.ts'
import type { Session } from '../session.ts'

/** EXPUNGE (RFC 9051 §6.4.3). */
export const expunge: Command = {
  name: 'EXPUNGE',
  states: withMailbox,
  run(session, args) {
    args.end()
    return run(session)
  },
}

/** UID EXPUNGE (RFC 4315): of the messages marked, those in the set. */
export const uidExpunge: Command = {
  name: 'UID EXPUNGE',
  states: withMailbox,
  run(session, args) {
    const set = args.sequenceSet()
    args.end()
    return run(session, session.view.resolve(set, true))
  },
}

async function run({ view }: Session, within?: readonly UidRange[]): Promise<undefined> {
  if (view.readOnly) throw new ImapError('NO', undefined, 'Mailbox opened in read-only mode')
  await view.mailbox.expunge(within)
  return undefined
}
