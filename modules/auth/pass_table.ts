import type { Context, HashOptions, Lifecycle, Logger } from '../../core/index.ts'
import {
  Auth,
  ConfigError,
  Directive,
  defineModule,
  flag,
  MutableTable,
  oneOf,
  ScramAuth,
  Table,
  UserError,
  Users,
} from '../../core/index.ts'
import { usernameCaseMapped } from '../../core/kit/address/index.ts'
import { hashes, PasswordFormatError, PasswordHasher, parseScram } from '../../core/kit/password/index.ts'
import type { ScramChallenge, ScramSecret } from '../../core/kit/sasl/index.ts'
import { Decoys } from './_decoys.ts'

/** The table with the hashes; `mutable` when it can be edited, too. */
interface Credentials {
  readonly table: Table
  readonly mutable: MutableTable | undefined
}

const credentials = () =>
  new Directive<Credentials | undefined>(
    { args: 'module:table', usage: '&NAME|MODULE …', role: Table },
    async (node, scope) => {
      const table = await scope.instance(Table, node)
      return { table, mutable: scope.provides(table, MutableTable) ? (table as MutableTable) : undefined }
    },
  )

export default defineModule({
  name: 'auth.pass_table',
  doc: 'Checks passwords against a table of hashes, and manages them where the table can be edited.',
  provides: [Auth, Users, Table, ScramAuth],
  kept: true,
  config: {
    table: credentials().doc('The table: a user name in lower case, and bcrypt:…, argon2:… or scram-sha-256:….'),
    hash: oneOf(...hashes)
      .default('bcrypt')
      .doc(
        'How a new password is kept, unless whoever makes the user says otherwise. A maddy on the same table lets nobody in whose password is kept as scram-sha-256.',
      ),
    rehash: flag()
      .default('no')
      .doc('A password that is kept in another way is kept as `hash` says from the next login on at which it is told.'),
    scram: flag()
      .default('no')
      .doc(
        'Offers SCRAM-SHA-256, by which clients log in without telling the password, where all providers of an endpoint offer it. Users whose password is not kept as scram-sha-256 cannot log in with clients that choose it: give them a new password, or have `rehash` change it, before.',
      ),
  },
  inline: credentials(),
  inlineTakesBlock: true,
  create({ inline, table, ...settings }, context) {
    if (inline && table) throw new ConfigError(context.at, 'the table of pass_table is given twice')
    const found = inline ?? table
    if (!found) throw new ConfigError(context.at, 'pass_table needs table &NAME|MODULE …')
    if (settings.rehash && !found.mutable) throw new ConfigError(context.at, 'rehash needs a table that can be edited')
    return new PassTable(found, settings, context)
  },
})

/** Stands in for the hash of a user who is not there. Its password is unknown; at a cost of 10 it is like most others. */
const stranger = 'bcrypt:$2a$10$MRXxE.YSvhSi00/DCvGEl.gXs3SWax2s9TAiNLOQdA.pnZp8D7KRq'

interface Settings {
  readonly hash: string
  readonly rehash: boolean
  readonly scram: boolean
}

class PassTable implements Users, Table, ScramAuth, Lifecycle {
  readonly scramOffered: boolean
  readonly #table: Table
  readonly #mutable: MutableTable | undefined
  readonly #shared: Context['shared']
  readonly #log: Logger
  readonly #settings: Settings
  readonly #decoys: Decoys
  #started: PasswordHasher | undefined
  #decoy = stranger

  constructor({ table, mutable }: Credentials, settings: Settings, context: Context) {
    this.#table = table
    this.#mutable = mutable
    this.#shared = (held, key, open) => context.shared(held, key, open)
    this.#log = context.log
    this.#settings = settings
    this.#decoys = new Decoys(context.directories.state, context.log)
    this.scramOffered = settings.scram
  }

  async start(held: AsyncDisposableStack): Promise<void> {
    this.#started = await this.#shared(held, 'passwords', async () => new PasswordHasher())
  }

  get #hasher(): PasswordHasher {
    if (!this.#started) throw new Error('pass_table has not been started')
    return this.#started
  }

  /** Takes the time of a hash for an unknown name too, so that nobody learns from it who has an account here. */
  async verify(username: string, password: string): Promise<boolean> {
    const stored = await this.#stored(username)
    try {
      const right = await this.#hasher.verify(stored ?? this.#decoy, password)
      if (stored === undefined) return false
      this.#decoy = stored // costs what the hashes of this table cost; its verdict is never used
      if (right && this.#settings.rehash) await this.#rehash(username, stored, password)
      return right
    } catch (error) {
      if (!(error instanceof PasswordFormatError)) throw error
      this.#log.error('stored password cannot be used', error, { username })
      return false
    }
  }

  /** Keeps a password that has just been told, and was right, in another way. No login fails because of it. */
  async #rehash(username: string, stored: string, password: string): Promise<void> {
    const { hash } = this.#settings
    if (stored.startsWith(`${hash}:`)) return
    try {
      const table = this.#editable
      const value = await this.#hasher.hash(password, { hash })
      // Making it took a while, in which the password may have been changed.
      if ((await this.#stored(username)) !== stored) return
      await table.set(usernameCaseMapped(username), value)
      this.#log.info('password is kept in another way now', { username, hash })
    } catch (error) {
      this.#log.error('password could not be kept in another way', error, { username, hash })
    }
  }

  async scramSecret(username: string): Promise<ScramSecret | undefined> {
    const stored = await this.#stored(username)
    const secret = stored === undefined ? undefined : parseScram(stored)
    if (secret) this.#decoys.resemble(secret)
    if (stored !== undefined && !secret) {
      this.#log.info('password is not kept as scram-sha-256, so the user cannot log in by it', { username })
    }
    return secret
  }

  scramDecoy(username: string): Promise<ScramChallenge> {
    return this.#decoys.challenge(username)
  }

  async #stored(username: string): Promise<string | undefined> {
    const key = normalized(username)
    return key === undefined ? undefined : (await this.#table.lookup(key))[0]
  }

  async lookup(key: string): Promise<readonly string[]> {
    return (await this.#table.lookup(usernameCaseMapped(key))).slice(0, 1)
  }

  async list(): Promise<readonly string[]> {
    return this.#editable.keys()
  }

  async has(username: string): Promise<boolean> {
    return (await this.#stored(username)) !== undefined
  }

  async create(username: string, password: string, { hash, bcryptCost }: HashOptions = {}): Promise<void> {
    const table = this.#editable
    const key = asKey(username)
    const exists = () => new UserError('exists', `credentials of ${key} already exist`)
    if ((await table.lookup(key)).length > 0) throw exists()
    const value = await this.#hash(password, { ...(hash && { hash }), ...(bcryptCost && { bcryptCost }) })
    // Making it took a while, in which somebody else may have been quicker.
    if (!table.add) await table.set(key, value)
    else if (!(await table.add(key, value))) throw exists()
  }

  async setPassword(username: string, password: string): Promise<void> {
    const table = this.#editable
    const key = await this.#existing(username)
    await table.set(key, await this.#hash(password))
  }

  async delete(username: string): Promise<void> {
    const table = this.#editable
    await table.delete(await this.#existing(username))
  }

  get #editable(): MutableTable {
    if (!this.#mutable) throw new UserError('unsupported', 'the table of these credentials is not mutable')
    return this.#mutable
  }

  async #existing(username: string): Promise<string> {
    const key = asKey(username)
    if ((await this.#table.lookup(key)).length === 0)
      throw new UserError('missing', `there are no credentials of ${key}`)
    return key
  }

  async #hash(password: string, options: HashOptions = {}): Promise<string> {
    try {
      return await this.#hasher.hash(password, { hash: this.#settings.hash, ...options })
    } catch (error) {
      throw error instanceof RangeError ? new UserError('invalid', error.message, { cause: error }) : error
    }
  }
}

const normalized = (username: string): string | undefined => {
  try {
    return usernameCaseMapped(username)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The name as it is stored. */
const asKey = (username: string): string => {
  const key = normalized(username)
  if (key === undefined || key === '') throw new UserError('invalid', `${JSON.stringify(username)} is no user name`)
  return key
}
