import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { formatSet } from '../../../core/kit/imap/sequence_set.ts'
import { type Command, withMailbox } from '../command.ts'
import { type ReturnOption, readReturn, readSearch } from '../search/request.ts'
import { search as find } from '../search/run.ts'
import type { Session } from '../session.ts'

/** SEARCH (RFC 9051 §6.4.4, RFC 4731). */
export const search: Command = {
  name: 'SEARCH',
  states: withMailbox,
  expunges: false,
  run: (session, args, tag) => run(session, args, tag, false),
}

export const uidSearch: Command = {
  name: 'UID SEARCH',
  states: withMailbox,
  run: (session, args, tag) => run(session, args, tag, true),
}

async function run({ view, out }: Session, args: Arguments, tag: string, byUid: boolean): Promise<undefined> {
  view.tellArrived(out) // so that what has come since the last command can be found
  const returned = readReturn(args)
  const key = readSearch(args, view)
  const uids = await find(view, key)
  const numbers = byUid ? uids : uids.map((uid) => view.sequenceOf(uid))
  out.line(returned ? formatExtended(numbers, returned, tag, byUid) : ['* SEARCH', ...numbers].join(' '))
  return undefined
}

function formatExtended(numbers: readonly number[], asked: ReadonlySet<ReturnOption>, tag: string, byUid: boolean) {
  const [first] = numbers
  const last = numbers.at(-1)
  return [
    `* ESEARCH (TAG "${tag.replace(/["\\]/g, '\\$&')}")`,
    byUid && 'UID',
    asked.has('MIN') && first !== undefined && `MIN ${first}`,
    asked.has('MAX') && last !== undefined && `MAX ${last}`,
    asked.has('ALL') && first !== undefined && `ALL ${formatSet(numbers)}`,
    asked.has('COUNT') && `COUNT ${numbers.length}`,
  ]
    .filter(Boolean)
    .join(' ')
}
