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
  /** Some that were expunged are not known any more. */
  readonly incomplete: boolean
}

/** To be read on one state of the database; undefined when the mailbox is gone. */
export const changedSince = async (db: Statements, mailbox: number, modseq: number): Promise<Since | undefined> => {
  const [row] = await db.query<[string, number, number, number]>(
    `SELECT b.name, b.uidnext, t.modseq, t.forgotten FROM mboxes b
      JOIN tsmaddy_mboxes t ON t.mboxid = b.id WHERE b.id = $1`,
    [mailbox],
  )
  if (!row) return undefined
  const [name, uidNext, now, forgotten] = row
  const incomplete = modseq < forgotten
  if (now === modseq) return { name, uidNext, modseq: now, changed: [], expunged: [], incomplete }
  const uids = await column(
    db,
    'SELECT uid FROM tsmaddy_msgs WHERE mboxid = $1 AND modseq > $2 ORDER BY uid',
    mailbox,
    modseq,
  )
  const expunged = await column(
    db,
    'SELECT uid FROM tsmaddy_expunged WHERE mboxid = $1 AND modseq > $2 ORDER BY uid',
    mailbox,
    modseq,
  )
  return { name, uidNext, modseq: now, changed: await flagStates(db, mailbox, rangesOf(uids)), expunged, incomplete }
}

const column = async (db: Statements, sql: string, mailbox: number, modseq: number): Promise<number[]> => {
  const rows = await db.query<[number]>(sql, [mailbox, modseq])
  return rows.map(([value]) => value)
}
