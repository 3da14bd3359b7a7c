import type {
  Account,
  Accounts,
  AccountUsage,
  BlobOwner,
  Delivery,
  DomainUsage,
  Envelope,
  Folder,
  Lifecycle,
  QuotaBytes,
  Quotas,
  Table,
  Target,
} from '../../../core/index.ts'
import { StorageError } from '../../../core/index.ts'
import { domainForLookup, validDomain } from '../../../core/kit/address/index.ts'
import { SqlAccount } from './account.ts'
import type { DeliveryOptions } from './delivery.ts'
import { SqlDelivery } from './delivery.ts'
import type { Parts } from './mailbox.ts'
import { readAccountUsage, readDomainUsage } from './reading/quota.ts'

export interface StorageOptions extends Omit<DeliveryOptions, 'parts'> {
  /** Opens what the storage works with; it is closed with `held`. */
  readonly open: (held: AsyncDisposableStack) => Promise<Parts>
  /** Looks for what would make `open` fail, without touching the database. */
  readonly inspect?: () => Promise<void>
  /** Says what `open` would change of the database. */
  readonly preview?: () => Promise<readonly string[]>
  /** The account of a login name; undefined when there can be none. Throws when that cannot be told. */
  readonly accountOfLogin: (username: string) => Promise<string | undefined>
  readonly specialFolders: readonly Folder[]
}

/** Mailboxes in an SQL database: for IMAP, for deliveries, for those who manage accounts, and as a table of accounts. */
export class SqlStorage implements Accounts, BlobOwner, Quotas, Target, Table, Lifecycle {
  readonly specialFolders: readonly Folder[]
  readonly #options: StorageOptions
  #opened: Parts | undefined

  constructor(options: StorageOptions) {
    this.#options = options
    this.specialFolders = options.specialFolders
  }

  async inspect(): Promise<void> {
    await this.#options.inspect?.()
  }

  async preview(): Promise<readonly string[]> {
    return (await this.#options.preview?.()) ?? []
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
    return (await this.#make(name)) ?? (await this.#find(name)) ?? this.open(username)
  }

  /** Undefined when another process has just made it. */
  async #make(name: string): Promise<Account | undefined> {
    try {
      const { id, made } = await this.#parts.engine.run('openAccount', { username: name })
      if (made) this.#parts.log.info('account created', { username: name })
      return new SqlAccount(this.#parts, id, name)
    } catch (error) {
      if (error instanceof StorageError && error.kind === 'exists') return undefined
      throw error
    }
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

  async expel(username: string): Promise<void> {
    const { engine, changes } = this.#parts
    const [row] = await engine.query<[number]>('SELECT id FROM users WHERE username = $1', [username.toLowerCase()])
    if (row) changes.committed({ type: 'expelled', account: row[0] })
  }

  usage(username: string): Promise<AccountUsage | undefined> {
    return this.#parts.engine.read((db) => readAccountUsage(db, username.toLowerCase()))
  }

  async setLimit(username: string, bytes: QuotaBytes | null): Promise<void> {
    if (bytes !== null) checkBytes(bytes)
    await this.#parts.engine.run('setUserQuota', { username: username.toLowerCase(), bytes })
  }

  async domainUsage(domain: string): Promise<DomainUsage> {
    const key = domainForLookup(domain)
    return this.#parts.engine.scan((db) => readDomainUsage(db, key))
  }

  async setDomainLimit(domain: string, bytes: QuotaBytes): Promise<void> {
    checkBytes(bytes)
    if (!validDomain(domain)) throw new RangeError(`${domain} is no domain`)
    await this.#parts.engine.run('setDomainQuota', { domain: domainForLookup(domain), bytes })
  }

  get hasBlobs(): boolean {
    return this.#parts.bodies.store !== null
  }

  unreferenced(minAge: number): ReturnType<BlobOwner['unreferenced']> {
    return this.#parts.bodies.unreferenced(minAge)
  }

  discard(keys: readonly string[]): Promise<readonly string[]> {
    return this.#parts.bodies.discard(keys)
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

/** What the column of a quota holds. */
const checkBytes = (bytes: QuotaBytes): void => {
  const whole = typeof bytes === 'bigint' || Number.isSafeInteger(bytes)
  if (!whole || bytes < 0 || bytes > 2n ** 63n - 1n)
    throw new RangeError('a quota is from 0 to 9223372036854775807 bytes')
}
