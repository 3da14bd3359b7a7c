import type {
  Account,
  AccountChange,
  AccountQuota,
  Appended,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  NewMessage,
  SpecialUse,
} from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import { cachedHeaderToJson, describeContent, structureToJson } from '../../../core/kit/message/index.ts'
import type { AccountState } from './changes.ts'
import type { Parts } from './mailbox.ts'
import { OpenMailbox } from './mailbox.ts'
import { findMailbox, listMailboxes, readStatus } from './reading/mailbox_list.ts'
import { isOver, readDeletedSize, readQuota } from './reading/quota.ts'

export class SqlAccount implements Account {
  readonly id: number
  readonly name: string
  readonly expelled: AbortSignal
  readonly #parts: Parts
  readonly #state: AccountState

  constructor(parts: Parts, id: number, name: string) {
    this.id = id
    this.name = name
    this.#parts = parts
    this.#state = parts.changes.account(id)
    this.expelled = this.#state.expelled
  }

  get gone(): AbortSignal {
    return this.#state.gone.signal
  }

  mailboxes(): Promise<readonly MailboxEntry[]> {
    return listMailboxes(this.#parts.engine, this.id)
  }

  async status(mailbox: string): Promise<MailboxStatus> {
    return (await readStatus(this.#parts.engine, this.id, mailbox)) ?? missing()
  }

  create(mailbox: string, specialUse?: SpecialUse): Promise<MailboxEntry> {
    return this.#parts.engine.run('createMailbox', { account: this.id, name: mailbox, specialUse })
  }

  async delete(mailbox: string): Promise<void> {
    const keys = await this.#parts.engine.run('deleteMailbox', { account: this.id, name: mailbox })
    await this.#parts.bodies.remove(keys)
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#parts.engine.run('renameMailbox', { account: this.id, from, to })
  }

  async subscribe(mailbox: string, subscribed: boolean): Promise<void> {
    await this.#parts.engine.run('subscribe', { account: this.id, name: mailbox, subscribed })
  }

  async appendLimit(mailbox?: string): Promise<number | undefined> {
    const { engine, appendLimit } = this.#parts
    const own = mailbox === undefined ? undefined : (await readStatus(engine, this.id, mailbox))?.appendLimit
    return own ?? (await this.ownAppendLimit()) ?? appendLimit
  }

  async ownAppendLimit(): Promise<number | null> {
    const [row] = await this.#parts.engine.query<[number | null]>('SELECT msgsizelimit FROM users WHERE id = $1', [
      this.id,
    ])
    if (!row) throw new StorageError('missing', 'The account does not exist')
    return row[0]
  }

  async setAppendLimit(bytes: number | null): Promise<void> {
    await this.#parts.engine.run('setAppendLimit', { account: this.id, bytes })
  }

  async quota(): Promise<AccountQuota> {
    const quota = await readQuota(this.#parts.engine, this.name)
    if (!quota) throw new StorageError('missing', 'The account does not exist')
    return { used: quota.used, limit: quota.limit }
  }

  async deletedSize(mailbox: string): Promise<number> {
    const id = (await findMailbox(this.#parts.engine, this.id, mailbox)) ?? missing()
    return this.#parts.engine.scan((db) => readDeletedSize(db, id))
  }

  async append(mailbox: string, messages: readonly NewMessage[]): Promise<Appended> {
    const { engine, changes, bodies } = this.#parts
    if ((await findMailbox(engine, this.id, mailbox)) === undefined) missing()
    const limit = (await this.appendLimit(mailbox)) ?? Number.POSITIVE_INFINITY
    if (messages.some(({ content }) => content.size > limit)) {
      throw new StorageError('too_big', `A message may have ${limit} bytes`)
    }
    const bytes = messages.reduce((sum, { content }) => sum + content.size, 0)
    // The transaction looks again; this keeps bodies from being put down in vain.
    if (bytes > 0 && isOver(await this.quota(), bytes))
      throw new StorageError('over_quota', 'There is no room for that')
    const described = await Promise.all(messages.map(describe))
    const contents = messages.map(({ content }) => content)
    return bodies.keep(contents, (gather, bytes) =>
      engine.run(
        'append',
        async () => {
          const kept = await gather()
          const rows = described.flatMap((row, index) => (kept[index] ? [{ ...row, ...kept[index] }] : []))
          return { account: this.id, username: this.name, mailbox, rows, open: changes.openIn([this.id]), origin: 0 }
        },
        bytes,
      ),
    )
  }

  async select(mailbox: string, { readOnly }: { readonly readOnly: boolean }): Promise<Mailbox> {
    const id = await findMailbox(this.#parts.engine, this.id, mailbox)
    const opened = id === undefined ? undefined : await OpenMailbox.open(this.#parts, this.id, id, readOnly)
    return opened ?? missing()
  }

  watch(listener: (change: AccountChange) => void): Disposable {
    // Not the function itself: the same one may be given twice.
    const watcher = (change: AccountChange): void => listener(change)
    this.#state.watchers.add(watcher)
    return { [Symbol.dispose]: () => void this.#state.watchers.delete(watcher) }
  }
}

const describe = async ({ content, flags, internalDate }: NewMessage) => {
  const { structure, cachedHeader } = await describeContent(content)
  return {
    date: Math.floor(internalDate / 1000),
    size: content.size,
    structure: structureToJson(structure),
    header: cachedHeaderToJson(cachedHeader),
    flags,
  }
}

const missing = (): never => {
  throw new StorageError('missing', 'The mailbox does not exist')
}
