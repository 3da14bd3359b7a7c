import type { Statements } from '../../../../core/kit/sql/writer/index.ts'

/** Takes the messages that no session has been told are \Recent; resolves to their UIDs, ascending. */
export const claimRecent = async (db: Statements, { mailbox }: { mailbox: number }): Promise<number[]> => {
  const rows = await db.query<[number]>('UPDATE msgs SET recent = 0 WHERE mboxid = $1 AND recent = 1 RETURNING msgid', [
    mailbox,
  ])
  return rows.map(([uid]) => uid).sort((a, b) => a - b)
}
