import type { UidRange } from '../../../core/index.ts'
import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { type Command, type Completion, withMailbox } from '../command.ts'
import { someGone } from '../failure.ts'
import { checkFlags } from '../limits.ts'
import type { Session } from '../session.ts'

/** STORE (RFC 9051 §6.4.6). */
export const store: Command = {
  name: 'STORE',
  states: withMailbox,
  expunges: false,
  run: (session, args) => run(session, args, false),
}

export const uidStore: Command = {
  name: 'UID STORE',
  states: withMailbox,
  run: (session, args) => run(session, args, true),
}

async function run(session: Session, args: Arguments, byUid: boolean): Promise<Completion | undefined> {
  const set = args.sequenceSet()
  args.space()
  const mode = args.accept('+') ? 'add' : args.accept('-') ? 'remove' : 'replace'
  const item = args.keyword('FLAGS')
  if (item !== 'FLAGS' && item !== 'FLAGS.SILENT') throw ImapError.bad('Unknown STORE item')
  args.space()
  const flags = readFlags(args)
  args.end()
  const { view } = session
  if (view.readOnly) throw new ImapError('NO', undefined, 'Mailbox opened in read-only mode')
  const ranges = view.resolve(set, byUid)
  checkFlags(flags)
  if (mode !== 'remove' && !view.keywords.admit(flags)) throw new ImapError('NO', 'LIMIT', 'Too many keywords')
  const silent = item === 'FLAGS.SILENT'
  view.silent = silent
  try {
    await view.mailbox.store(
      ranges,
      mode,
      flags.filter((flag) => flag !== '\\Recent'),
    )
  } finally {
    view.silent = false
  }
  if (!silent) await tellUnchanged(session, ranges)
  return view.hasExpunged(ranges) ? someGone : undefined
}

/** A list in parentheses, or flags without them. */
function readFlags(args: Arguments): string[] {
  if (args.next('(')) return args.flagList()
  const flags: string[] = []
  do flags.push(args.flag())
  while (args.accept(' '))
  return flags
}

/** Tells the flags of messages that were as they are: the client has asked for the outcome (RFC 3501 §6.4.6). */
async function tellUnchanged({ view, out }: Session, ranges: readonly UidRange[]) {
  if (view.owesAllFlags(ranges)) return
  for await (const state of view.mailbox.messages(ranges, {})) {
    const sequence = view.owesFlags(state.uid) ? 0 : view.sequenceOf(state.uid)
    if (sequence > 0) out.line(`* ${sequence} FETCH (FLAGS ${view.formatFlags(state)} UID ${state.uid})`)
    if (out.full) await out.drain()
  }
}
