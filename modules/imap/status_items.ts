import type { Account, MailboxStatus } from '../../core/index.ts'
import type { Arguments } from '../../core/kit/imap/arguments.ts'
import { ImapError } from '../../core/kit/imap/error.ts'
import { mailboxName } from '../../core/kit/imap/format.ts'

/** What STATUS says, and what takes more than a look at counters. */
interface Known extends MailboxStatus {
  readonly deletedSize: number
}

/** What STATUS can be asked for. */
const items = {
  MESSAGES: ({ messages }: MailboxStatus) => String(messages),
  RECENT: ({ recent }: MailboxStatus) => String(recent),
  UIDNEXT: ({ uidNext }: MailboxStatus) => String(uidNext),
  UIDVALIDITY: ({ uidValidity }: MailboxStatus) => String(uidValidity),
  UNSEEN: ({ unseen }: MailboxStatus) => String(unseen),
  DELETED: ({ deleted }: MailboxStatus) => String(deleted),
  SIZE: ({ size }: MailboxStatus) => String(size),
  'DELETED-STORAGE': ({ deletedSize }: Known) => String(deletedSize),
  APPENDLIMIT: ({ appendLimit }: MailboxStatus) => (appendLimit === undefined ? 'NIL' : String(appendLimit)),
} as const

export type StatusItem = keyof typeof items

const isItem = (name: string): name is StatusItem => Object.hasOwn(items, name)

/** Reads the items in parentheses, each once, in the order asked for. */
export function readStatusItems(args: Arguments): readonly StatusItem[] {
  const names = args.list(() => {
    const name = args.keyword('a status item')
    if (!isItem(name)) throw ImapError.bad('Unknown STATUS item')
    return name
  })
  if (names.length === 0) throw ImapError.bad('Expected a status item')
  return [...new Set(names)]
}

/** The untagged STATUS response, without its line end. Throws StorageError `missing`. */
export async function answerStatus(account: Account, mailbox: string, asked: readonly StatusItem[]): Promise<string> {
  const own = await account.status(mailbox)
  // A mailbox without a limit of its own has that of the account, or of them all (RFC 7889 §4): NIL would say there is none.
  const limited = asked.includes('APPENDLIMIT') && own.appendLimit === undefined
  const status: Known = {
    ...own,
    appendLimit: limited ? await account.appendLimit(mailbox) : own.appendLimit,
    deletedSize: asked.includes('DELETED-STORAGE') ? await account.deletedSize(mailbox) : 0,
  }
  return `* STATUS ${mailboxName(mailbox)} (${asked.map((name) => `${name} ${items[name](status)}`).join(' ')})`
}
