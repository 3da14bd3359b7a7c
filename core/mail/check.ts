import { duration } from '../config/duration.ts'
import type { Address } from '../kit/address/address.ts'
import type { AuthenticationResult } from '../kit/mail_auth/result.ts'
import type { Message } from '../kit/message/message.ts'
import type { Envelope, Origin } from '../kit/smtp/envelope.ts'
import type { SmtpError } from '../kit/smtp/error.ts'
import { role } from '../role.ts'

/** What is done about a finding: told to the log, marked as fit for Junk only, or refused. */
export type Action = 'ignore' | 'quarantine' | 'reject'

/** What a check found at one stage. What a stage does not look at, or finds in order, needs none. */
export interface Verdict {
  /** The finding, if there is one: the reply when it leads to a refusal, a line in the log when it does not. */
  readonly reason?: SmtpError
  /** What is done about `reason`. */
  readonly action?: Action
  /** For Authentication-Results; counted whatever the action. */
  readonly results?: readonly AuthenticationResult[]
  /** Complete fields, each with its CRLF, to be put on top of the message in this order. */
  readonly fields?: readonly (string | Uint8Array)[]
  /** What is to be changed; of the message stage only. Changes of several checks are made in the order of the checks. */
  readonly edits?: Edits
}

/** Changes that a check makes to a message it lets pass, as milters do. */
export interface Edits {
  /** The message as it goes on. A new body has to last until the state of the check is disposed of. */
  message?(message: Message): Message
  /** Another sender; null is `<>`. */
  readonly reversePath?: Address | null
  /** Further recipients, which are routed like those of RCPT. */
  readonly add?: readonly Address[]
  /** Recipients who do not get it. */
  readonly remove?: readonly Address[]
}

/** Judges messages. */
export interface Check {
  /** For the log: `spf`. */
  readonly name: string
  /** How long one stage may take, in milliseconds; a message whose check takes longer is deferred. */
  readonly timeout: number
  /** Judges a client that has greeted, before any message. Throws SmtpError to refuse the greeting. */
  greeted?(origin: Origin, signal: AbortSignal): Promise<void>
  /** The state of one message. */
  begin(envelope: Envelope): Inspection
}

export const Check = role<Check>('check')

/**
 * One message under the eyes of one check. The stages come in this order, `recipient` once for each address. One that throws,
 * or is not done when its signal aborts, defers the message: a broken check lets nothing through.
 */
export interface Inspection extends Partial<AsyncDisposable> {
  /** The client: its address, its greeting, its TLS. */
  connection?(signal: AbortSignal): Promise<Verdict | undefined>
  /** The sender, after the rewriting that came before this check; null is `<>`. */
  sender?(from: Address | null, signal: AbortSignal): Promise<Verdict | undefined>
  recipient?(to: Address, signal: AbortSignal): Promise<Verdict | undefined>
  message?(message: Message, signal: AbortSignal): Promise<Verdict | undefined>
}

/** Several checks under one name: what `check` takes. */
export interface Checks {
  readonly checks: readonly Check[]
}

export const Checks = role<Checks>('checks', '')

/** What every check has. */
export const checkDirectives = {
  timeout: duration()
    .default('1m')
    .doc('How long the check may take at each stage; mail that it does not finish with is deferred.'),
}
