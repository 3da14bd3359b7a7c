import type { Arguments } from '../../core/kit/imap/arguments.ts'
import type { Session } from './session.ts'

export type State = 'notAuthenticated' | 'authenticated' | 'selected'

export const always: readonly State[] = ['notAuthenticated', 'authenticated', 'selected']
export const loggedIn: readonly State[] = ['authenticated', 'selected']
export const withMailbox: readonly State[] = ['selected']

/** What the tagged OK says, when it is more than `COMMAND completed`. */
export interface Completion {
  /** A response code, without brackets. */
  readonly code?: string | undefined
  readonly text?: string
  /** Runs once the tagged OK has been sent: for what changes the connection itself. */
  readonly afterwards?: () => Promise<void>
}

/** One command, or one form of it, such as `UID FETCH`. */
export interface Command {
  readonly name: string
  readonly states: readonly State[]
  /**
   * False when no EXPUNGE may be told with its answer, since the client may have sent the next command with sequence numbers
   * that would then be off (RFC 9051 §7.5.1).
   */
  readonly expunges?: boolean
  /**
   * Whether a literal of that size goes to a spool, from which the message is read; else it is kept in memory, where there
   * is a limit. `before` are the arguments before it. Throws ImapError to refuse it before it is sent.
   */
  spool?(session: Session, before: Arguments, size: number): Promise<boolean>
  /** The tagged OK, or the error's NO or BAD, is the dispatcher's to send; so is what has happened to the mailbox. */
  run(session: Session, args: Arguments, tag: string): Promise<Completion | undefined>
}
