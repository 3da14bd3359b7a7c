import type { Arguments } from '../../../core/kit/imap/arguments.ts'
import { type Command, type Completion, loggedIn, withMailbox } from '../command.ts'
import type { Session } from '../session.ts'

/** SELECT (RFC 9051 §6.3.2). */
export const select: Command = {
  name: 'SELECT',
  states: loggedIn,
  run: (session, args) => open(session, args, false),
}

/** EXAMINE (RFC 9051 §6.3.3). */
export const examine: Command = {
  name: 'EXAMINE',
  states: loggedIn,
  run: (session, args) => open(session, args, true),
}

async function open(session: Session, args: Arguments, readOnly: boolean): Promise<Completion> {
  const name = args.mailbox()
  args.end()
  const view = await session.select(name, readOnly)
  const { firstUnseen, uidNext } = view.mailbox.snapshot
  const { out } = session
  out.line(`* FLAGS ${view.keywords.flags}`)
  out.line(
    view.readOnly
      ? '* OK [PERMANENTFLAGS ()] No flags permitted'
      : `* OK [PERMANENTFLAGS ${view.keywords.permanentFlags}] Flags permitted`,
  )
  out.line(`* ${view.count} EXISTS`)
  out.line(`* ${view.recentCount} RECENT`)
  const unseen = firstUnseen === undefined ? 0 : view.sequenceOf(firstUnseen)
  if (unseen > 0) out.line(`* OK [UNSEEN ${unseen}] First unseen message`)
  out.line(`* OK [UIDVALIDITY ${view.mailbox.uidValidity}] UIDs valid`)
  out.line(`* OK [UIDNEXT ${uidNext}] Predicted next UID`)
  return { code: view.readOnly ? 'READ-ONLY' : 'READ-WRITE' }
}

/** CLOSE (RFC 9051 §6.4.2): expunges without a word, unless the mailbox was opened by EXAMINE. */
export const close: Command = {
  name: 'CLOSE',
  states: withMailbox,
  async run(session, args) {
    args.end()
    const { mailbox, readOnly } = session.view
    if (!readOnly) await mailbox.expunge()
    await session.deselect()
    return undefined
  },
}

/** UNSELECT (RFC 3691). */
export const unselect: Command = {
  name: 'UNSELECT',
  states: withMailbox,
  async run(session, args) {
    args.end()
    await session.deselect()
    return undefined
  },
}
