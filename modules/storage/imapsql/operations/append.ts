import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { Refusal } from '../refusal.ts'
import type { Added, NewRow } from './add_messages.ts'
import { addMessages } from './add_messages.ts'
import { existingMailbox, insertMailbox, mailboxId, specialMailbox } from './mailbox_row.ts'
import { refuseOverQuota } from './quota.ts'

export interface Append {
  readonly account: number
  /** The name of the account. */
  readonly username: string
  readonly mailbox: string
  readonly rows: readonly NewRow[]
  readonly open: readonly number[]
  readonly origin: number
}

/** Adds messages that a client brought to a mailbox by name. Throws Refusal `missing`, `over_quota`. */
export const append = async (db: Statements, args: Append, emit: Emit): Promise<Added> => {
  const mailbox = await existingMailbox(db, args.account, args.mailbox)
  const added = await addMessages(db, mailbox, args.rows, args, emit)
  if (args.rows.length > 0) await refuseOverQuota(db, args.username)
  return added
}

/** A message on its way to one account. */
export interface Arrival {
  readonly account: number
  /** The name of the account. */
  readonly username: string
  /** The folder a filter chose: INBOX when it does not exist. */
  readonly folder: string | undefined
  /** The folder for junk, when this is where it goes: the one with \Junk, or else this name, made if need be. */
  readonly junk: string | undefined
  readonly row: NewRow
}

/** Delivers to every account, or, when one of them fails, to none. Throws Refusal `missing`, `over_quota`. */
export const deliver = async (
  db: Statements,
  { arrivals, open }: { arrivals: readonly Arrival[]; open: readonly number[] },
  emit: Emit,
): Promise<void> => {
  // Whoever locks rows of several accounts does it in this order, so that no two wait for each other.
  for (const { account, username, folder, junk, row } of arrivals.toSorted((a, b) => a.account - b.account)) {
    const mailbox =
      junk !== undefined
        ? await junkMailbox(db, account, junk, emit)
        : ((folder === undefined ? undefined : await mailboxId(db, account, folder)) ?? (await inbox(db, account)))
    await addMessages(db, mailbox, [row], { open, origin: 0 }, emit)
    await refuseOverQuota(db, username)
  }
}

const inbox = async (db: Statements, account: number): Promise<number> => {
  const [row] = await db.query<[number | null]>(
    'SELECT b.id FROM users u LEFT JOIN mboxes b ON b.id = u.inboxid AND b.uid = u.id WHERE u.id = $1',
    [account],
  )
  if (!row) throw new Refusal('missing', 'The account does not exist')
  return row[0] ?? existingMailbox(db, account, 'INBOX')
}

const junkMailbox = async (db: Statements, account: number, name: string, emit: Emit): Promise<number> =>
  (await specialMailbox(db, account, '\\Junk')) ??
  (await mailboxId(db, account, name)) ??
  (await insertMailbox(db, account, name, '\\Junk', emit))
