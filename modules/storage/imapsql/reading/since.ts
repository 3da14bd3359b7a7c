import type { FlagState } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { rangesOf } from '../ranges.ts'
import { flagStates } from './flag_states.ts'

/** What has changed in a mailbox after a mod-sequence. */
export interface Since {
  readonly name: string
  readonly uidNext: number
  readonly modseq: number
  /** Messages that are new, or have other flags. */
  readonly changed: readonly FlagState[]
  /** UIDs, ascending. */
  readonly expunged: readonly number[]
  /** Some that were expunged are not known any more, or there is too much to tell; then `changed` and `expunged` are empty. */
  readonly incomplete: boolean
}

/** More changes than this are not told one by one. */
const most = 20_000

/** To be read on one state of the database; undefined when the mailbox is gone. */
export const changedSince = async (db: Statements, mailbox: number, modseq: number): Promise<Since | undefined> => {
  const [row] = await db.query<[string, number, number, number]>(
    `SELECT b.name, b.uidnext, t.modseq, t.forgotten FROM mboxes b
      JOIN tsmaddy_mboxes t ON t.mboxid = b.id WHERE b.id = $1`,
    [mailbox],
  )
  if (!row) return undefined
  const [name, uidNext, now, forgotten] = row
  const nothing = { name, uidNext, modseq: now, changed: [], expunged: [] }
  if (modseq < forgotten) return { ...nothing, incomplete: true }
  if (now === modseq) return { ...nothing, incomplete: false }
  const changed = await uidsSince(db, 'tsmaddy_msgs', mailbox, modseq)
  const expunged = await uidsSince(db, 'tsmaddy_expunged', mailbox, modseq)
  if (changed.length + expunged.length > most) return { ...nothing, incomplete: true }
  return { ...nothing, changed: await flagStates(db, mailbox, rangesOf(changed)), expunged, incomplete: false }
}

/** Ascending; when there are too many, only as many as show that. */
const uidsSince = async (
  db: Statements,
  table: 'tsmaddy_msgs' | 'tsmaddy_expunged',
  mailbox: number,
  modseq: number,
): Promise<number[]> => {
  const rows = await db.query<[number]>(
    `SELECT uid FROM ${table} WHERE mboxid = $1 AND modseq > $2 LIMIT ${most + 1}`,
    [mailbox, modseq],
  )
  return rows.map(([uid]) => uid).sort((a, b) => a - b)
}
