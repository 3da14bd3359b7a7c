import { StorageError } from '../../core/index.ts'
import { ImapError } from '../../core/kit/imap/error.ts'
import type { Completion } from './command.ts'

/** How each refusal of the storage is told: a response code (RFC 5530, RFC 4469, RFC 9208, RFC 7889) and a text. */
const refusals: Readonly<Record<StorageError['kind'], readonly [code: string | undefined, text: string]>> = {
  missing: ['NONEXISTENT', 'No such mailbox'],
  exists: ['ALREADYEXISTS', 'Mailbox already exists'],
  name: ['CANNOT', 'A mailbox cannot have that name'],
  inbox: ['CANNOT', 'INBOX cannot be deleted'],
  special_use: ['USEATTR', 'That special use cannot be given'],
  too_big: ['TOOBIG', 'Message too large'],
  over_quota: ['OVERQUOTA', 'Quota exceeded'],
  read_only: [undefined, 'Mailbox opened in read-only mode'],
  expunged: ['EXPUNGEISSUED', 'Some messages are gone'],
  corrupt: ['CORRUPTION', 'The content of a message cannot be read'],
}

/** Errors of the language itself: mistakes of ours, not an outage. */
const bugs = [TypeError, RangeError, ReferenceError, SyntaxError, EvalError]

/** What the client is told of an error. `unforeseen` ones are for the log too. */
export function failureOf(error: unknown): { readonly response: ImapError; readonly unforeseen: boolean } {
  if (error instanceof ImapError) return { response: error, unforeseen: false }
  if (error instanceof StorageError) {
    const [code, text] = refusals[error.kind]
    return { response: new ImapError('NO', code, text), unforeseen: error.kind === 'corrupt' }
  }
  const bug = bugs.some((kind) => error instanceof kind)
  const response = bug
    ? new ImapError('NO', 'SERVERBUG', 'Internal server error')
    : new ImapError('NO', 'UNAVAILABLE', 'Temporarily unavailable, try again later')
  return { response, unforeseen: true }
}

/**
 * What is said when a command has done its work but for messages that another session has removed (RFC 5530 §3). A NO would
 * have clients give up what they were doing, though there is nothing they could do better.
 */
export const someGone: Completion = { code: 'EXPUNGEISSUED', text: 'Some messages are gone' }

/** Turns the storage's `missing` into the hint that the mailbox could be created first (RFC 9051 §6.3.12). */
export async function orTryCreate<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof StorageError && error.kind === 'missing')) throw error
    throw new ImapError('NO', 'TRYCREATE', 'No such mailbox')
  }
}
