import type { Account, Accounts, DkimKeys, Folder, Logger, Users } from '../../core/index.ts'
import { StorageError } from '../../core/index.ts'
import { ApiError, conflict, dependably, isExisting, isMissing } from './errors.ts'
import { domainOf } from './names.ts'
import { Turns } from './turns.ts'
import { Undo } from './undo.ts'

export interface Stores {
  readonly users: Users
  readonly accounts: Accounts
  /** Undefined when new domains get no key. */
  readonly dkim: DkimKeys | undefined
}

export interface NewUser {
  readonly username: string
  readonly password: string
  readonly createMailboxes: boolean
}

/** What was there, and is no more. */
export interface Deleted {
  readonly user: boolean
  readonly account: boolean
  /** Why the account could not be deleted after the user was. */
  readonly failure?: unknown
}

/** Makes and removes users and accounts: names are normalised already. Whatever fails throws, and leaves nothing half-done. */
export class Provisioning {
  readonly #stores: Stores
  readonly #log: Logger
  readonly #turns = new Turns()

  constructor(stores: Stores, log: Logger) {
    this.#stores = stores
    this.#log = log
  }

  /** Mailboxes first: credentials without them would be a login that makes others. Throws ApiError 409, 503. */
  createUser({ username, password, createMailboxes }: NewUser): Promise<void> {
    const { users, dkim } = this.#stores
    return this.#turns.take(username, async () => {
      if (await dependably(() => users.has(username))) throw conflict('The user exists already')
      const undo = new Undo(this.#log)
      try {
        if (createMailboxes) await dependably(() => this.#provide(username, undo))
        await dependably(() => users.create(username, password))
        undo.did(`credentials of ${username}`, () => users.delete(username))
        if (dkim && domainOf(username) !== '') await dependably(() => dkim.ensure(domainOf(username)))
      } catch (error) {
        // Another process was quicker, and its user may have these mailboxes by now: they stay.
        if (isExisting(error)) throw conflict('The user exists already')
        await undo.all(error)
      }
    })
  }

  /** Ends the user's sessions. Throws UserError `missing`, ApiError 503. */
  setPassword(username: string, password: string): Promise<void> {
    return this.#turns.take(username, async () => {
      await dependably(() => this.#stores.users.setPassword(username, password))
      await this.#expel(username)
    })
  }

  /**
   * Ends the user's sessions, too. Credentials go first, so that nobody logs in to an account that goes; who asks again after a
   * failure in between has the rest done.
   */
  deleteUser(username: string, withAccount: boolean): Promise<Deleted> {
    const { users, accounts } = this.#stores
    return this.#turns.take(username, async () => {
      const user = await unlessMissing(() => users.delete(username))
      try {
        const account = withAccount && (await unlessMissing(() => accounts.delete(username)))
        if (user && !account) await this.#expel(username)
        return { user, account }
      } catch (failure) {
        if (!user) throw failure
        await this.#expel(username)
        return { user, account: false, failure }
      }
    })
  }

  /** True when it was made, and false when it was there: then missing folders are added if `ensure` says so. Throws ApiError 409, 503. */
  createAccount(username: string, ensure: boolean): Promise<boolean> {
    return this.#turns.take(username, async () => {
      const undo = new Undo(this.#log)
      try {
        return await dependably(() => this.#provide(username, undo, ensure))
      } catch (error) {
        return await undo.all(error)
      }
    })
  }

  /** Throws StorageError `missing`, ApiError 503. */
  deleteAccount(username: string): Promise<void> {
    return this.#turns.take(username, () => dependably(() => this.#stores.accounts.delete(username)))
  }

  /** Makes the account with its folders, or adds those that it lacks. True when it was made. Throws ApiError 409. */
  async #provide(username: string, undo: Undo, ensure = true): Promise<boolean> {
    const { accounts } = this.#stores
    const account = (await accounts.find(username)) ?? (await this.#makeAccount(username, undo))
    if (account === undefined) return true
    if (!ensure) throw conflict('The account exists already')
    for (const { name, specialUse } of await lacking(account, accounts.specialFolders)) {
      await account.create(name, specialUse)
      undo.did(`mailbox ${name} of ${username}`, () => account.delete(name))
    }
    return false
  }

  /** Undefined once it is made; the account when somebody else, who has just logged in perhaps, was quicker. */
  async #makeAccount(username: string, undo: Undo): Promise<Account | undefined> {
    const { accounts } = this.#stores
    try {
      await accounts.create(username, accounts.specialFolders)
      undo.did(`account ${username}`, () => accounts.delete(username))
      return undefined
    } catch (cause) {
      const other = isExisting(cause) ? await accounts.find(username) : undefined
      if (other) return other
      // A folder that exists, or cannot: the configuration gives two of them one name, for instance.
      throw cause instanceof StorageError ? new ApiError(500, 'Internal Server Error', { cause }) : cause
    }
  }

  /** What has been done stands, whether this can be done or not. */
  async #expel(username: string): Promise<void> {
    try {
      await this.#stores.accounts.expel?.(username)
    } catch (error) {
      this.#log.error('sessions could not be ended', error, { username })
    }
  }
}

/** The folders whose name and whose use an account has not got yet. */
const lacking = async (account: Account, folders: readonly Folder[]): Promise<readonly Folder[]> => {
  const present = await account.mailboxes()
  const has = ({ name, specialUse }: Folder) =>
    present.some((each) => each.name === name || (specialUse !== undefined && each.specialUse === specialUse))
  return folders.filter((folder) => !has(folder))
}

const unlessMissing = async (work: () => Promise<void>): Promise<boolean> => {
  try {
    await dependably(work)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
