import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { type Command, withMailbox } from '../command.ts'
import { readCriteria } from '../search/request.ts'
import { search } from '../search/run.ts'
import type { Session } from '../session.ts'
import { readSortKeys, sortUids } from '../sort/order.ts'

/** SORT (RFC 5256). */
export const sort: Command = {
  name: 'SORT',
  states: withMailbox,
  expunges: false,
  run: (session, args) => run(session, args, false),
}

export const uidSort: Command = {
  name: 'UID SORT',
  states: withMailbox,
  run: (session, args) => run(session, args, true),
}

async function run({ view, out }: Session, args: Arguments, byUid: boolean): Promise<undefined> {
  view.tellArrived(out)
  const keys = readSortKeys(args)
  args.space()
  const charset = args.astring('a charset')
  args.space()
  const uids = await search(view, readCriteria(args, view, charset))
  const sorted = await sortUids(view, uids, keys)
  out.line(['* SORT', ...(byUid ? sorted : sorted.map((uid) => view.sequenceOf(uid)))].join(' '))
  return undefined
}
