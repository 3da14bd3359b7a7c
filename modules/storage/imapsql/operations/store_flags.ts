import type { FlagState, UidRange } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { cleanFlags } from '../flags.ts'
import type { Condition } from '../ranges.ts'
import { normalRanges, rangeConditions, runs } from '../ranges.ts'
import { flagStates } from '../reading/flag_states.ts'
import { spelt } from './add_messages.ts'
import { lockMailbox, modseqOf } from './mailbox_row.ts'

export interface StoreFlags {
  readonly mailbox: number
  readonly uids: readonly UidRange[]
  readonly mode: 'add' | 'remove' | 'replace'
  readonly flags: readonly string[]
  readonly unchangedSince: number | undefined
  readonly origin: number
}

/** Changes flags, and gives how they are then; `modified` lists the UIDs left alone (RFC 7162 §3.1.3). */
export const storeFlags = async (
  db: Statements,
  { mailbox, uids, mode, flags, unchangedSince, origin }: StoreFlags,
  emit: Emit,
): Promise<{ changed: FlagState[]; modified: number[] }> => {
  const { account, name, modseq: from } = await lockMailbox(db, mailbox)
  const wanted = await spelt(db, mailbox, cleanFlags(flags))
  let ranges = normalRanges(uids)
  let modified: number[] = []
  if (unchangedSince !== undefined) {
    const states = await modseqs(db, mailbox, ranges)
    modified = states.filter(([, modseq]) => modseq > unchangedSince).map(([uid]) => uid)
    const free = states.filter(([, modseq]) => modseq <= unchangedSince).map(([uid]) => uid)
    if (modified.length > 0)
      ranges = runs(
        free,
        states.map(([uid]) => uid),
      )
  }
  for (const condition of rangeConditions('msgid', ranges, 2)) {
    if (mode === 'remove') await removeFlags(db, mailbox, condition, wanted)
    if (mode === 'replace') await removeOthers(db, mailbox, condition, wanted)
    if (mode !== 'remove') await addFlags(db, mailbox, condition, wanted)
  }
  const changed = await flagStates(db, mailbox, ranges)
  const to = await modseqOf(db, mailbox)
  const messages = changed.filter(({ modseq }) => modseq > from)
  if (messages.length > 0) emit({ type: 'flags', account, mailbox, name, from, to, messages, origin })
  return { changed, modified }
}

const modseqs = async (db: Statements, mailbox: number, ranges: readonly UidRange[]): Promise<[number, number][]> => {
  const found: [number, number][] = []
  for (const { sql, params } of rangeConditions('m.msgid', ranges, 2)) {
    found.push(
      ...(await db.query<[number, number]>(
        `SELECT m.msgid, coalesce(t.modseq, 1) FROM msgs m
          LEFT JOIN tsmaddy_msgs t ON t.mboxid = m.mboxid AND t.uid = m.msgid
          WHERE m.mboxid = $1 AND ${sql} ORDER BY m.msgid`,
        [mailbox, ...params],
      )),
    )
  }
  return found
}

const addFlags = async (db: Statements, mailbox: number, { sql, params }: Condition, flags: readonly string[]) => {
  const next = params.length + 2
  for (const flag of flags) {
    await db.query(
      `INSERT INTO flags (mboxid, msgid, flag) SELECT mboxid, msgid, CAST($${next} AS VARCHAR(255)) FROM msgs
        WHERE mboxid = $1 AND ${sql} ORDER BY msgid ON CONFLICT (mboxid, msgid, flag) DO NOTHING`,
      [mailbox, ...params, flag],
    )
  }
}

const removeFlags = async (db: Statements, mailbox: number, { sql, params }: Condition, flags: readonly string[]) => {
  const next = params.length + 2
  for (const flag of flags) {
    await db.query(`DELETE FROM flags WHERE mboxid = $1 AND ${sql} AND lower(flag) = $${next}`, [
      mailbox,
      ...params,
      flag.toLowerCase(),
    ])
  }
}

const removeOthers = async (db: Statements, mailbox: number, { sql, params }: Condition, flags: readonly string[]) => {
  const next = params.length + 2
  const kept = flags.map((_, index) => `$${next + index}`).join(', ')
  const others = flags.length === 0 ? '1 = 1' : `lower(flag) NOT IN (${kept})`
  await db.query(`DELETE FROM flags WHERE mboxid = $1 AND ${sql} AND ${others}`, [
    mailbox,
    ...params,
    ...flags.map((flag) => flag.toLowerCase()),
  ])
}
