import type { Copied, UidRange } from '../../../core/index.ts'
import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { ImapError } from '../../../core/kit/imap/error.ts'
import { formatSet, type SequenceSet } from '../../../core/kit/imap/sequence_set.ts'
import { type Command, type Completion, withMailbox } from '../command.ts'
import { orTryCreate } from '../failure.ts'
import type { Session } from '../session.ts'
import type { View } from '../view.ts'

/** COPY (RFC 9051 §6.4.7), with COPYUID (RFC 4315). */
export const copy: Command = {
  name: 'COPY',
  states: withMailbox,
  expunges: false,
  run: (session, args) => runCopy(session, args, false),
}

export const uidCopy: Command = {
  name: 'UID COPY',
  states: withMailbox,
  run: (session, args) => runCopy(session, args, true),
}

/** MOVE (RFC 6851): COPYUID goes before the EXPUNGE responses, which the dispatcher sends. */
export const move: Command = {
  name: 'MOVE',
  states: withMailbox,
  run: (session, args) => runMove(session, args, false),
}

export const uidMove: Command = {
  name: 'UID MOVE',
  states: withMailbox,
  run: (session, args) => runMove(session, args, true),
}

async function runCopy({ view }: Session, args: Arguments, byUid: boolean): Promise<Completion> {
  const { set, mailbox } = read(args)
  return { code: copyUid(await orTryCreate(view.mailbox.copy(chosen(view, set, byUid), mailbox))) }
}

async function runMove({ view, out }: Session, args: Arguments, byUid: boolean): Promise<undefined> {
  const { set, mailbox } = read(args)
  if (view.readOnly) throw new ImapError('NO', undefined, 'Mailbox opened in read-only mode')
  const code = copyUid(await orTryCreate(view.mailbox.move(chosen(view, set, byUid), mailbox)))
  if (code !== undefined) out.line(`* OK [${code}] Moved`)
  return undefined
}

/**
 * The messages to be copied. One named by its sequence number that is gone stops the command: it could not do what it was told
 * to (RFC 2180 §4.4.1). A UID that is gone is passed over.
 */
function chosen(view: View, set: SequenceSet, byUid: boolean): readonly UidRange[] {
  const ranges = view.resolve(set, byUid)
  if (!byUid && view.hasExpunged(ranges)) throw new ImapError('NO', 'EXPUNGEISSUED', 'Some messages are gone')
  return ranges
}

function read(args: Arguments) {
  const set = args.sequenceSet()
  args.space()
  const mailbox = args.mailbox()
  args.end()
  return { set, mailbox }
}

const copyUid = ({ uidValidity, source, target }: Copied): string | undefined =>
  source.length === 0 ? undefined : `COPYUID ${uidValidity} ${formatSet(source)} ${formatSet(target)}`
