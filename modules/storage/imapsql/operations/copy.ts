import type { Copied, UidRange } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { normalRanges, rangeConditions } from '../ranges.ts'
import { Refusal } from '../refusal.ts'
import { existingMailbox, forgetExpunged, lockMailbox, modseqOf, reserveUids } from './mailbox_row.ts'
import { refuseOverQuota } from './quota.ts'

export interface CopyMessages {
  readonly mailbox: number
  readonly uids: readonly UidRange[]
  readonly to: string
  readonly origin: number
  readonly open: readonly number[]
}

/**
 * Copies messages in ascending order under consecutive new UIDs; body, date and flags are the same. Throws Refusal
 * `missing`, `over_quota`.
 */
export const copy = async (db: Statements, args: CopyMessages, emit: Emit): Promise<Copied> => {
  const picked = await pick(db, args)
  for (const { sql, params } of rangeConditions('msgid', picked.ranges, 2)) {
    await db.query(
      `UPDATE extkeys SET refs = extkeys.refs + d.n FROM (
        SELECT extbodykey AS id, count(*) AS n FROM msgs
        WHERE mboxid = $1 AND extbodykey IS NOT NULL AND ${sql} GROUP BY extbodykey
      ) AS d WHERE extkeys.id = d.id`,
      [args.mailbox, ...params],
    )
  }
  const copied = await insertCopies(db, args, picked, emit)
  const [owner] = await db.query<[string]>(
    'SELECT u.username FROM users u JOIN mboxes b ON b.uid = u.id WHERE b.id = $1',
    [args.mailbox],
  )
  if (owner && copied.source.length > 0) await refuseOverQuota(db, owner[0])
  return copied
}

/**
 * Copies messages and deletes the originals; bodies keep their count of references. The account keeps as much as before,
 * and so may do this however full it is.
 */
export const move = async (db: Statements, args: CopyMessages, emit: Emit): Promise<Copied> => {
  const { mailbox, origin } = args
  const picked = await pick(db, args)
  const copied = await insertCopies(db, args, picked, emit)
  if (copied.source.length === 0) return copied
  const { account, name, modseq: from } = await lockMailbox(db, mailbox)
  for (const { sql, params } of rangeConditions('msgid', picked.ranges, 2)) {
    await db.query(`DELETE FROM msgs WHERE mboxid = $1 AND ${sql}`, [mailbox, ...params])
  }
  await db.query('UPDATE mboxes SET msgscount = msgscount - $2 WHERE id = $1', [mailbox, copied.source.length])
  const to = await modseqOf(db, mailbox)
  await forgetExpunged(db, mailbox, from, to)
  emit({ type: 'expunged', account, mailbox, name, from, to, uids: copied.source, origin })
  return copied
}

interface Picked {
  readonly target: number
  readonly ranges: readonly UidRange[]
  readonly source: readonly number[]
}

const pick = async (db: Statements, { mailbox, uids, to }: CopyMessages): Promise<Picked> => {
  const [row] = await db.query<[number, number]>('SELECT uid, uidnext FROM mboxes WHERE id = $1', [mailbox])
  if (!row) throw new Refusal('missing', 'The mailbox does not exist')
  const target = await existingMailbox(db, row[0], to)
  // Whoever locks two mailboxes does it in this order, so that no two wait for each other.
  for (const id of [mailbox, target].toSorted((a, b) => a - b)) await lockMailbox(db, id)
  // Copies made in the same mailbox are not to be copied in turn.
  const ranges = normalRanges(uids, row[1] - 1)
  const source: number[] = []
  for (const { sql, params } of rangeConditions('msgid', ranges, 2)) {
    const rows = await db.query<[number]>(`SELECT msgid FROM msgs WHERE mboxid = $1 AND ${sql} ORDER BY msgid`, [
      mailbox,
      ...params,
    ])
    for (const [uid] of rows) source.push(uid)
  }
  return { target, ranges, source }
}

const insertCopies = async (
  db: Statements,
  { mailbox, origin }: CopyMessages,
  { target, ranges, source }: Picked,
  emit: Emit,
): Promise<Copied> => {
  const { first, uidValidity, account, name } = await reserveUids(db, target, source.length)
  const from = await modseqOf(db, target)
  let next = first
  const uids = source.map((_, index) => first + index)
  for (const { sql, params } of rangeConditions('m.msgid', ranges, 4)) {
    const copies = await db.query(
      `INSERT INTO msgs (mboxid, msgid, date, bodylen, mark, bodystructure, cachedheader, extbodykey, seen, compressalgo, recent)
        SELECT $2, $3 + row_number() OVER (ORDER BY m.msgid) - 1, m.date, m.bodylen, 0,
          m.bodystructure, m.cachedheader, m.extbodykey, m.seen, m.compressalgo, 0
        FROM msgs m WHERE m.mboxid = $1 AND ${sql} ORDER BY m.msgid RETURNING 1`,
      [mailbox, target, next, ...params],
    )
    await db.query(
      `INSERT INTO flags (mboxid, msgid, flag)
        SELECT DISTINCT $2, p.copy, coalesce(k.spelling, f.flag)
        FROM (
          SELECT m.msgid AS msgid, $3 + row_number() OVER (ORDER BY m.msgid) - 1 AS copy
          FROM msgs m WHERE m.mboxid = $1 AND ${sql}
        ) AS p
        JOIN flags f ON f.mboxid = $1 AND f.msgid = p.msgid
        LEFT JOIN tsmaddy_keywords k ON k.mboxid = $2 AND k.keyword = lower(f.flag)
        ORDER BY 2`,
      [mailbox, target, next, ...params],
    )
    next += copies.length
  }
  const to = await modseqOf(db, target)
  if (uids.length > 0) {
    emit({ type: 'arrived', account, mailbox: target, name, from, to, uids, recent: 'none', origin })
  }
  return { uidValidity, source, target: uids }
}
