import type { Account, Accounts, Delivery, Envelope, Folder, Lifecycle, Table, Target } from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import { SqlAccount } from './account.ts'
import type { DeliveryOptions } from './delivery.ts'
import { SqlDelivery } from './delivery.ts'
import type { Parts } from './mailbox.ts'

export interface StorageOptions extends Omit<DeliveryOptions, 'parts'> {
  /** Opens what the storage works with; it is closed with `held`. */
  readonly open: (held: AsyncDisposableStack) => Promise<Parts>
  /** The account of a login name; undefined when there can be none. Throws when that cannot be told. */
  readonly accountOfLogin: (username: string) => Promise<string | undefined>
  readonly specialFolders: readonly Folder[]
}

/** Mailboxes in an SQL database: for IMAP, for deliveries, for those who manage accounts, and as a table of accounts. */
export class SqlStorage implements Accounts, Target, Table, Lifecycle {
  readonly specialFolders: readonly Folder[]
  readonly #options: StorageOptions
  #opened: Parts | undefined

  constructor(options: StorageOptions) {
    this.#options = options
    this.specialFolders = options.specialFolders
  }

  async start(held: AsyncDisposableStack): Promise<void> {
    this.#opened = await this.#options.open(held)
  }

  get #parts(): Parts {
    if (!this.#opened) throw new Error('the storage has not been started')
    return this.#opened
  }

  async open(username: string): Promise<Account> {
    const name = await this.#options.accountOfLogin(username)
    if (name === undefined || name === '') throw new StorageError('missing', 'There can be no account of that name')
    const found = await this.#find(name)
    if (found) return found
    const { id, made } = await this.#parts.engine.run('openAccount', { username: name })
    if (made) this.#parts.log.info('account created', { username: name })
    return new SqlAccount(this.#parts, id, name)
  }

  async list(): Promise<readonly string[]> {
    const rows = await this.#parts.engine.query<[string]>('SELECT username FROM users ORDER BY id')
    return rows.map(([username]) => username)
  }

  find(username: string): Promise<Account | undefined> {
    return this.#find(username.toLowerCase())
  }

  async #find(name: string): Promise<Account | undefined> {
    const [row] = await this.#parts.engine.query<[number]>('SELECT id FROM users WHERE username = $1', [name])
    return row && new SqlAccount(this.#parts, row[0], name)
  }

  async create(username: string, folders: readonly Folder[]): Promise<void> {
    await this.#parts.engine.run('createAccount', { username: username.toLowerCase(), folders })
  }

  async delete(username: string): Promise<void> {
    const keys = await this.#parts.engine.run('deleteAccount', { username: username.toLowerCase() })
    await this.#parts.bodies.remove(keys)
  }

  async begin(envelope: Envelope): Promise<Delivery> {
    return new SqlDelivery({ ...this.#options, parts: this.#parts }, envelope)
  }

  /** As a table: an account that exists has one empty value. */
  async lookup(key: string): Promise<readonly string[]> {
    const name = await this.#options.accountOfLogin(key)
    return name !== undefined && (await this.#find(name)) ? [''] : []
  }
}
