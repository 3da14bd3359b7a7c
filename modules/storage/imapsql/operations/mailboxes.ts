import type { MailboxEntry, SpecialUse } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import type { Emit } from '../events.ts'
import { foldInbox, newName } from '../names.ts'
import { Refusal } from '../refusal.ts'
import { existingMailbox, insertMailbox, mailboxId, makeMailbox, makeParents } from './mailbox_row.ts'
import { doomUnreferenced, releaseBodies } from './unreferenced.ts'

const specialUses: readonly string[] = ['\\Archive', '\\Drafts', '\\Junk', '\\Sent', '\\Trash']

export const createMailbox = async (
  db: Statements,
  { account, name, specialUse }: { account: number; name: string; specialUse: SpecialUse | undefined },
  emit: Emit,
): Promise<MailboxEntry> => {
  if (specialUse && !specialUses.includes(specialUse)) throw new Refusal('special_use', `${specialUse} cannot be given`)
  const id = await makeMailbox(db, account, name, specialUse, emit)
  return { id, name: newName(name), subscribed: true, specialUse }
}

/** Deletes a mailbox with its messages; those below it stay. Resolves to the keys of bodies to be deleted outside. */
export const deleteMailbox = async (
  db: Statements,
  { account, name }: { account: number; name: string },
  emit: Emit,
): Promise<string[]> => {
  const folded = foldInbox(name)
  if (folded === 'INBOX') throw new Refusal('inbox', 'INBOX cannot be deleted')
  const id = await existingMailbox(db, account, folded)
  await releaseBodies(db, id, { sql: '1 = 1', params: [] })
  await db.query('DELETE FROM mboxes WHERE id = $1', [id])
  emit({ type: 'deleted', account, mailbox: id, name: folded })
  return doomUnreferenced(db, account)
}

/** Renames a mailbox with what is below it; INBOX leaves an empty one behind, and what is below it stays. */
export const renameMailbox = async (
  db: Statements,
  { account, from, to }: { account: number; from: string; to: string },
  emit: Emit,
): Promise<void> => {
  const source = foldInbox(from)
  const target = newName(to)
  const id = await existingMailbox(db, account, source)
  if ((await mailboxId(db, account, target)) !== undefined) throw new Refusal('exists', 'The mailbox exists already')
  if (target.startsWith(`${source}.`) && source !== 'INBOX') {
    throw new Refusal('name', 'A mailbox cannot be moved below itself')
  }
  await makeParents(db, account, target, emit)
  const rename = async (mailbox: number, name: string, next: string): Promise<void> => {
    if ((await mailboxId(db, account, next)) !== undefined) throw new Refusal('exists', 'The mailbox exists already')
    await db.query('UPDATE mboxes SET name = $1 WHERE id = $2', [newName(next), mailbox])
    emit({ type: 'renamed', account, mailbox, name, to: next })
  }
  const below = source === 'INBOX' ? [] : await mailboxesBelow(db, account, source)
  await rename(id, source, target)
  for (const [child, name] of below) await rename(child, name, target + name.slice(source.length))
  if (source === 'INBOX') {
    const inbox = await insertMailbox(db, account, 'INBOX', undefined, emit)
    await db.query('UPDATE users SET inboxid = $1 WHERE id = $2', [inbox, account])
  }
}

const mailboxesBelow = async (db: Statements, account: number, name: string): Promise<[number, string][]> => {
  const all = await db.query<[number, string]>('SELECT id, name FROM mboxes WHERE uid = $1 ORDER BY id', [account])
  return all.filter(([, each]) => each.startsWith(`${name}.`))
}

export const subscribe = async (
  db: Statements,
  { account, name, subscribed }: { account: number; name: string; subscribed: boolean },
  emit: Emit,
): Promise<void> => {
  const id = await existingMailbox(db, account, name)
  const changed = await db.query('UPDATE mboxes SET sub = $1 WHERE id = $2 AND sub <> $1 RETURNING id', [
    subscribed ? 1 : 0,
    id,
  ])
  if (changed.length > 0) emit({ type: 'subscription', account, name: foldInbox(name) })
}
