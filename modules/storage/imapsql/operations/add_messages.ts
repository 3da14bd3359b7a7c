import type { Statement, Statements } from '../../../../core/kit/sql/writer/index.ts'
import { inTurn } from '../../../../core/kit/sql/writer/statements.ts'
import type { Emit } from '../events.ts'
import { cleanFlags } from '../flags.ts'
import { pieceRows, unstage } from './blobs.ts'
import { modseqIn, modseqQuery, reserveUids } from './mailbox_row.ts'

/** A message as it is stored, its body apart. */
export interface NewRow {
  /** Of the body, wherever that is kept. */
  readonly key: string
  /** `""`, `lz4` or `zstd`. */
  readonly compression: string
  /** The body as it is stored, in pieces, when it is to be kept in the database. */
  readonly inline?: readonly Uint8Array[]
  /** The body has been put into the database before. */
  readonly staged?: true
  /** Seconds since 1970. */
  readonly date: number
  readonly size: number
  readonly structure: string
  readonly header: string
  readonly flags: readonly string[]
}

export interface Added {
  readonly uidValidity: number
  readonly uids: readonly number[]
}

/** Adds messages to a mailbox under the next UIDs. `open` lists the mailboxes that a session of this process has open. */
export const addMessages = async (
  db: Statements,
  mailbox: number,
  rows: readonly NewRow[],
  { open, origin }: { open: readonly number[]; origin: number },
  emit: Emit,
): Promise<Added> => {
  const { first, uidValidity, account, name } = await reserveUids(db, mailbox, rows.length)
  const recent = open.includes(mailbox) ? 'open' : 'kept'
  const uids = rows.map((_, index) => first + index)
  let from = 0
  let to = 0
  for (const [index, row] of rows.entries()) {
    const place = { mailbox, account, uid: uids[index] ?? 0, recent: recent === 'kept' ? 1 : 0 } as const
    const flags = await spelt(db, mailbox, cleanFlags(row.flags))
    // All at once, since each wait for an answer keeps others who want the same mailbox from it.
    const results = await inTurn(db, [modseqQuery(mailbox), ...insertions(place, row, flags), modseqQuery(mailbox)])
    if (row.staged && results[1]?.length === 0) throw new Error(`body ${row.key} is gone`)
    if (index === 0) from = modseqIn(results[0])
    to = modseqIn(results.at(-1))
  }
  emit({ type: 'arrived', account, mailbox, name, from, to, uids, recent, origin })
  return { uidValidity, uids }
}

interface Place {
  readonly mailbox: number
  readonly account: number
  readonly uid: number
  readonly recent: 0 | 1
}

const insertions = (
  { mailbox, account, uid, recent }: Place,
  row: NewRow,
  flags: readonly string[],
): readonly Statement[] => [
  ...(row.staged ? [unstage(row.key)] : []),
  ['INSERT INTO extkeys (id, uid, refs) VALUES ($1, $2, 1)', [row.key, account]],
  ...pieceRows(row.key, 0, row.inline ?? []),
  [
    `INSERT INTO msgs
      (mboxid, msgid, date, bodylen, bodystructure, cachedheader, extbodykey, seen, compressalgo, recent)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      mailbox,
      uid,
      row.date,
      row.size,
      Buffer.from(row.structure),
      Buffer.from(row.header),
      row.key,
      flags.includes('\\Seen') ? 1 : 0,
      row.compression,
      recent,
    ],
  ],
  ...flags.map(
    (flag): Statement => ['INSERT INTO flags (mboxid, msgid, flag) VALUES ($1, $2, $3)', [mailbox, uid, flag]],
  ),
]

/** Flags as they were first spelt in a mailbox, so that keywords that differ in case alone are one. */
export const spelt = async (db: Statements, mailbox: number, flags: readonly string[]): Promise<string[]> => {
  const found: string[] = []
  for (const flag of flags) {
    const [row] = flag.startsWith('\\')
      ? []
      : await db.query<[string]>('SELECT spelling FROM tsmaddy_keywords WHERE mboxid = $1 AND keyword = $2', [
          mailbox,
          flag.toLowerCase(),
        ])
    found.push(row?.[0] ?? flag)
  }
  return found
}
