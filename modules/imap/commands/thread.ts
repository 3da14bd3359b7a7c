import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, withMailbox } from '../command.ts'
import { readCriteria } from '../search/request.ts'
import { search } from '../search/run.ts'
import type { Session } from '../session.ts'
import { threadByReferences } from '../sort/references.ts'
import { formatThreads, type Threading, threadBySubject } from '../sort/threads.ts'

const algorithms: ReadonlyMap<string, Threading> = new Map([
  ['ORDEREDSUBJECT', threadBySubject],
  ['REFERENCES', threadByReferences],
])

/** THREAD (RFC 5256). */
export const thread: Command = {
  name: 'THREAD',
  states: withMailbox,
  expunges: false,
  run: (session, args) => run(session, args, false),
}

export const uidThread: Command = {
  name: 'UID THREAD',
  states: withMailbox,
  run: (session, args) => run(session, args, true),
}

async function run({ view, out }: Session, args: Arguments, byUid: boolean): Promise<undefined> {
  view.tellArrived(out)
  const threading = algorithms.get(args.keyword('an algorithm'))
  args.space()
  const charset = args.astring('a charset')
  args.space()
  const key = readCriteria(args, view, charset)
  if (!threading) throw ImapError.bad('Unknown threading algorithm')
  const threads = await threading(view, await search(view, key))
  out.line(`* THREAD${formatThreads(threads, byUid ? (uid) => uid : (uid) => view.sequenceOf(uid))}`)
  return undefined
}
