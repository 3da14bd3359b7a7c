import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { type Command, type Completion, withMailbox } from '../command.ts'
import { readItems, uidItem } from '../fetch/items.ts'
import { fetchMessages } from '../fetch/run.ts'
import type { Session } from '../session.ts'

/** FETCH (RFC 9051 §6.4.5). */
export const fetch: Command = {
  name: 'FETCH',
  states: withMailbox,
  expunges: false,
  run: (session, args) => run(session, args, false),
}

/** UID FETCH (RFC 9051 §6.4.9): the UID is always part of the answer. */
export const uidFetch: Command = {
  name: 'UID FETCH',
  states: withMailbox,
  run: (session, args) => run(session, args, true),
}

async function run(session: Session, args: Arguments, byUid: boolean): Promise<Completion | undefined> {
  const set = args.sequenceSet()
  args.space()
  const asked = readItems(args)
  args.end()
  const items = byUid && !asked.includes(uidItem) ? [...asked, uidItem] : asked
  const ranges = session.view.resolve(set, byUid)
  return fetchMessages(session, ranges, items)
}
