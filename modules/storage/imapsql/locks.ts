import type { Statements } from '../../../core/kit/sql/writer/index.ts'

/** Mailboxes whose account is remembered. */
const remembered = 20_000

/**
 * The accounts that an operation changes something of. Whoever writes locks them first, in ascending order, so that no two
 * operations are in each other's way half-way, in whatever process they run.
 */
export class AccountLocks {
  /** A mailbox never goes to another account. */
  readonly #accounts = new Map<number, number>()
  readonly #db: Statements

  constructor(db: Statements) {
    this.#db = db
  }

  /** By the arguments of the operation, all of which name accounts and mailboxes in the same way. */
  async of(args: unknown): Promise<number[]> {
    if (typeof args !== 'object' || args === null) return []
    const { account, mailbox, username, arrivals } = args as Record<string, unknown>
    if (Array.isArray(arrivals)) return arrivals.map((arrival: { account: number }) => arrival.account)
    if (typeof account === 'number') return [account]
    if (typeof mailbox === 'number') return this.#ofMailbox(mailbox)
    if (typeof username !== 'string') return []
    const [row] = await this.#db.query<[number]>('SELECT id FROM users WHERE username = $1', [username])
    return row ? [row[0]] : []
  }

  async #ofMailbox(mailbox: number): Promise<number[]> {
    const known = this.#accounts.get(mailbox)
    if (known !== undefined) return [known]
    const [row] = await this.#db.query<[number]>('SELECT uid FROM mboxes WHERE id = $1', [mailbox])
    if (!row) return []
    if (this.#accounts.size >= remembered) this.#accounts.clear()
    this.#accounts.set(mailbox, row[0])
    return [row[0]]
  }
}
