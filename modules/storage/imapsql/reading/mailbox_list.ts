import type { MailboxEntry, MailboxStatus, SpecialUse } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { foldInbox } from '../names.ts'

export const listMailboxes = async (db: Statements, account: number): Promise<MailboxEntry[]> => {
  const rows = await db.query<[number, string, number, string | null]>(
    'SELECT id, name, sub, specialuse FROM mboxes WHERE uid = $1 ORDER BY id',
    [account],
  )
  return rows.map(([id, name, subscribed, specialUse]) => ({
    id,
    name,
    subscribed: subscribed !== 0,
    specialUse: (specialUse ?? undefined) as SpecialUse | undefined,
  }))
}

/** The id of a mailbox, INBOX in any case; undefined when there is none. */
export const findMailbox = async (db: Statements, account: number, name: string): Promise<number | undefined> => {
  const [row] = await db.query<[number]>('SELECT id FROM mboxes WHERE uid = $1 AND name = $2', [
    account,
    foldInbox(name),
  ])
  return row?.[0]
}

/** From counters, whatever the number of messages; undefined when there is no such mailbox. */
export const readStatus = async (db: Statements, account: number, name: string): Promise<MailboxStatus | undefined> => {
  const [row] = await db.query<number[]>(
    `SELECT b.id, b.uidnext, b.uidvalidity, b.msgsizelimit, t.messages, t.recent, t.seen, t.deleted, t.size, t.modseq
      FROM mboxes b JOIN tsmaddy_mboxes t ON t.mboxid = b.id WHERE b.uid = $1 AND b.name = $2`,
    [account, foldInbox(name)],
  )
  if (!row) return undefined
  const [
    id = 0,
    uidNext = 0,
    uidValidity = 0,
    limit,
    messages = 0,
    recent = 0,
    seen = 0,
    deleted = 0,
    size = 0,
    modseq = 0,
  ] = row
  return {
    id,
    messages,
    recent,
    unseen: messages - seen,
    deleted,
    size,
    uidNext,
    uidValidity,
    highestModseq: modseq,
    appendLimit: limit ?? undefined,
  }
}
