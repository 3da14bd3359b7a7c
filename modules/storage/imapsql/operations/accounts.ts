import type { Folder } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { Refusal } from '../refusal.ts'
import { insertMailbox, makeMailbox } from './mailbox_row.ts'
import { doomAll } from './unreferenced.ts'

/** The account of a name in lower case, made with its INBOX when there is none. */
export const openAccount = async (
  db: Statements,
  { username }: { username: string },
  emit: Emit,
): Promise<{ id: number; made: boolean }> => {
  // Whoever comes second finds a row here, and takes it.
  const [row] = await db.query<[number]>('SELECT id FROM users WHERE username = $1', [username])
  if (row) return { id: row[0], made: false }
  return { id: await insertAccount(db, username, emit), made: true }
}

/** Makes the account, its INBOX and the folders. Throws Refusal `exists`, `name`, `special_use`. */
export const createAccount = async (
  db: Statements,
  { username, folders }: { username: string; folders: readonly Folder[] },
  emit: Emit,
): Promise<void> => {
  if (username === '' || username.length > 255)
    throw new Refusal('name', 'An account needs a name of 1 to 255 characters')
  const account = await insertAccount(db, username, emit)
  for (const { name, specialUse } of folders) await makeMailbox(db, account, name, specialUse, emit)
}

const insertAccount = async (db: Statements, username: string, emit: Emit): Promise<number> => {
  const [row] = await db.query<[number]>(
    'INSERT INTO users (username) VALUES ($1) ON CONFLICT (username) DO NOTHING RETURNING id',
    [username],
  )
  if (!row) throw new Refusal('exists', 'The account exists already')
  const inbox = await insertMailbox(db, row[0], 'INBOX', undefined, emit)
  await db.query('UPDATE users SET inboxid = $1 WHERE id = $2', [inbox, row[0]])
  return row[0]
}

/** Deletes an account with its mail and its own quota. Resolves to the keys of bodies to be deleted outside. */
export const deleteAccount = async (
  db: Statements,
  { username }: { username: string },
  emit: Emit,
): Promise<string[]> => {
  const [row] = await db.query<[number]>('SELECT id FROM users WHERE username = $1', [username])
  if (!row) throw new Refusal('missing', 'The account does not exist')
  const [account] = row
  await db.query('DELETE FROM mboxes WHERE uid = $1', [account])
  const keys = await doomAll(db, account)
  await db.query('DELETE FROM user_quotas WHERE lower(username) = $1', [username])
  await db.query('DELETE FROM users WHERE id = $1', [account])
  emit({ type: 'gone', account })
  return keys
}

/** Sets the account's own limit for a single message; null takes it away. */
export const setAppendLimit = async (
  db: Statements,
  { account, bytes }: { account: number; bytes: number | null },
): Promise<void> => {
  const rows = await db.query('UPDATE users SET msgsizelimit = $1 WHERE id = $2 RETURNING id', [bytes, account])
  if (rows.length === 0) throw new Refusal('missing', 'The account does not exist')
}
