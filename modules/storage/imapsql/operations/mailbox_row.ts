import { randomInt } from 'node:crypto'
import type { SpecialUse } from '../../../../core/index.ts'
import type { Row, Statement, Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { foldInbox, newName, parents } from '../names.ts'
import { Refusal } from '../refusal.ts'

export interface MailboxRow {
  readonly id: number
  readonly account: number
  readonly name: string
  /** The highest mod-sequence it has so far. */
  readonly modseq: number
}

/** The mailbox by id, kept from others who write until the transaction ends. Throws Refusal `missing`. */
export const lockMailbox = async (db: Statements, id: number): Promise<MailboxRow> => {
  const [locked] = await db.query<[number]>(
    'UPDATE tsmaddy_mboxes SET modseq = modseq WHERE mboxid = $1 RETURNING modseq',
    [id],
  )
  const [row] = await db.query<[number, string]>('SELECT uid, name FROM mboxes WHERE id = $1', [id])
  if (!locked || !row) throw new Refusal('missing', 'The mailbox does not exist')
  return { id, account: row[0], name: row[1], modseq: locked[0] }
}

/** Asks for the highest mod-sequence of a mailbox. */
export const modseqQuery = (mailbox: number): Statement => [
  'SELECT modseq FROM tsmaddy_mboxes WHERE mboxid = $1',
  [mailbox],
]

/** What `modseqQuery` has found. */
export const modseqIn = (rows: readonly Row[] | undefined): number => Number(rows?.[0]?.[0] ?? 0)

/** The highest mod-sequence of a mailbox now. */
export const modseqOf = async (db: Statements, mailbox: number): Promise<number> =>
  modseqIn(await db.query(...modseqQuery(mailbox)))

/** Where new messages of a mailbox go: the first of as many UIDs as were asked for, and what they are told of with. */
export interface Reserved {
  readonly first: number
  readonly uidValidity: number
  readonly account: number
  readonly name: string
}

/** Takes the next UIDs of a mailbox for messages that are added right after. Throws Refusal `missing`. */
export const reserveUids = async (db: Statements, mailbox: number, count: number): Promise<Reserved> => {
  const [row] = await db.query<[number, number, number, string]>(
    `UPDATE mboxes SET uidnext = uidnext + $2, msgscount = msgscount + $2 WHERE id = $1
      RETURNING uidnext, uidvalidity, uid, name`,
    [mailbox, count],
  )
  if (!row) throw new Refusal('missing', 'The mailbox does not exist')
  const [uidNext, uidValidity, account, name] = row
  return { first: uidNext - count, uidValidity, account, name }
}

/** UIDs of expunged messages that are remembered for each mailbox. */
const remembered = 20_000

/** Forgets the oldest of the expunged messages, now and then: not for every one that is added. */
export const forgetExpunged = async (db: Statements, mailbox: number, from: number, to: number): Promise<void> => {
  if (Math.floor(from / 4096) === Math.floor(to / 4096)) return
  const [row] = await db.query<[number]>(
    `SELECT modseq FROM tsmaddy_expunged WHERE mboxid = $1 ORDER BY modseq DESC LIMIT 1 OFFSET ${remembered}`,
    [mailbox],
  )
  if (!row) return
  await db.query('UPDATE tsmaddy_mboxes SET forgotten = $2 WHERE mboxid = $1', [mailbox, row[0]])
  await db.query('DELETE FROM tsmaddy_expunged WHERE mboxid = $1 AND modseq <= $2', [mailbox, row[0]])
}

/** The id of an account's mailbox, if there is one of that name. */
export const mailboxId = async (db: Statements, account: number, name: string): Promise<number | undefined> => {
  const [row] = await db.query<[number]>('SELECT id FROM mboxes WHERE uid = $1 AND name = $2', [
    account,
    foldInbox(name),
  ])
  return row?.[0]
}

/** As `mailboxId`. Throws Refusal `missing`. */
export const existingMailbox = async (db: Statements, account: number, name: string): Promise<number> => {
  const id = await mailboxId(db, account, name)
  if (id === undefined) throw new Refusal('missing', 'The mailbox does not exist')
  return id
}

/** Adds a mailbox of that exact name, with a new random UIDVALIDITY, subscribed. */
export const insertMailbox = async (
  db: Statements,
  account: number,
  name: string,
  specialUse: SpecialUse | undefined,
  emit: Emit,
): Promise<number> => {
  const [row] = await db.query<[number]>(
    'INSERT INTO mboxes (uid, name, uidvalidity, specialuse) VALUES ($1, $2, $3, $4) RETURNING id',
    [account, name, randomInt(1, 2 ** 32), specialUse ?? null],
  )
  emit({ type: 'created', account, name })
  return row?.[0] ?? 0
}

/** Adds a mailbox and whatever is missing above it. Throws Refusal `exists`, `name`, `special_use`. */
export const makeMailbox = async (
  db: Statements,
  account: number,
  written: string,
  specialUse: SpecialUse | undefined,
  emit: Emit,
): Promise<number> => {
  const name = newName(written)
  if ((await mailboxId(db, account, name)) !== undefined) throw new Refusal('exists', 'The mailbox exists already')
  if (specialUse && (await specialMailbox(db, account, specialUse)) !== undefined) {
    throw new Refusal('special_use', `There is a mailbox for ${specialUse} already`)
  }
  await makeParents(db, account, name, emit)
  return insertMailbox(db, account, name, specialUse, emit)
}

export const makeParents = async (db: Statements, account: number, name: string, emit: Emit): Promise<void> => {
  for (const parent of parents(name)) {
    if ((await mailboxId(db, account, parent)) === undefined) await insertMailbox(db, account, parent, undefined, emit)
  }
}

/** The first mailbox that has that use. */
export const specialMailbox = async (db: Statements, account: number, use: SpecialUse): Promise<number | undefined> => {
  const [row] = await db.query<[number]>(
    'SELECT id FROM mboxes WHERE uid = $1 AND specialuse = $2 ORDER BY id LIMIT 1',
    [account, use],
  )
  return row?.[0]
}
