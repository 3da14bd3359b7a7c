import { isAbort, isMissing } from './api.js'

/** How long numbers are shown before they are asked for again; milliseconds. */
const freshFor = 30_000

/**
 * @typedef {import('./bytes.js').Bytes} Bytes
 * @typedef {{ usedBytes: number, limit: Bytes, source: 'user' | 'domain' | 'none' }} Account
 * @typedef {{ name: string, hasUser: boolean, account: Account | null | undefined, error: unknown }} Entry
 *   `account` is null when there is no mailbox, and undefined while that is not known
 * @typedef {{ username: string, usedBytes: number, quotaOverride?: Bytes }} UserUsage
 * @typedef {{ domain: string, usedBytes: number, quotaBytes: Bytes, userCount: number, users: readonly UserUsage[] }} DomainUsage
 * @typedef {{ name: string, messageCount: number, usedBytes: number }} MailboxUsage
 * @typedef {{ username: string, usedBytes: number, quotaBytes: Bytes, quotaSource: 'user' | 'domain' | 'none',
 *   mailboxes: readonly MailboxUsage[] }} UserQuota
 */

const { compare } = new Intl.Collator('en', { numeric: true })

/** @param {string} name */
export const domainOf = (name) => (name.includes('@') ? name.slice(name.lastIndexOf('@') + 1) : '')

/**
 * What the page knows of users and their mailboxes. Tells of each change by the event `change`.
 *
 * The usage of all accounts of a domain comes in one answer, so that a list of hundreds of users costs a request for each of
 * its domains, and not for each of them.
 */
export class Store extends EventTarget {
  /** Names that can sign in; undefined until they are known. @type {readonly string[] | undefined} */
  users
  #api
  #usersAt = 0
  /** @type {Map<string, Loaded>} */
  #loaded = new Map()

  /** @param {import('./api.js').Api} api */
  constructor(api) {
    super()
    this.#api = api
  }

  async loadUsers() {
    this.users = /** @type {string[]} */ (await this.#api.request('GET', 'v1/users'))
    this.#usersAt = performance.now()
    this.#changed()
  }

  /** Whether the list of users is too old to be trusted. */
  get stale() {
    return performance.now() - this.#usersAt > freshFor
  }

  /** Every domain that is known to have users or mailboxes, sorted; names without a domain have none. */
  get domains() {
    const ofUsers = (this.users ?? []).map(domainOf)
    const ofMailboxes = [...this.#loaded].filter(
      ([key, { usage }]) => !key.includes('@') && (usage?.userCount ?? 0) > 0,
    )
    return [...new Set([...ofUsers, ...ofMailboxes.map(([key]) => key)])]
      .filter((domain) => domain !== '')
      .sort(compare)
  }

  /**
   * Users, and mailboxes that have none, sorted by name; of one domain, or of all.
   *
   * @param {string} [domain]
   * @returns {readonly Entry[]}
   */
  entries(domain) {
    const wanted = (/** @type {string} */ name) => domain === undefined || domainOf(name) === domain
    const users = new Set((this.users ?? []).filter(wanted))
    const accounts = [...this.#loaded.values()].flatMap(({ accounts = new Map() }) => [...accounts.keys()])
    return [...new Set([...users, ...accounts.filter(wanted)])]
      .sort((a, b) => compare(domainOf(a), domainOf(b)) || compare(a, b))
      .map((name) => ({ name, hasUser: users.has(name), ...this.#account(name) }))
  }

  /** @param {string} name */
  hasUser(name) {
    return this.users?.includes(name) ?? false
  }

  /**
   * @param {string} domain
   * @returns {DomainUsage | undefined}
   */
  domain(domain) {
    return this.#loaded.get(domain)?.usage
  }

  /**
   * @param {string} domain
   * @returns {unknown}
   */
  errorOf(domain) {
    return this.#loaded.get(domain)?.error
  }

  /** @param {string} name */
  #account(name) {
    const { accounts, error } = this.#loaded.get(domainOf(name) || name) ?? {}
    return { account: accounts ? (accounts.get(name) ?? null) : undefined, error }
  }

  /**
   * Sees to it that the usage of that name is known, or on its way. Never rejects: an error is kept with what it befell.
   *
   * @param {string} name
   * @param {{ fresh?: boolean }} [options] `fresh` is for what somebody waits for
   */
  want(name, { fresh = false } = {}) {
    const domain = domainOf(name)
    if (domain !== '') return this.wantDomain(domain, { fresh, background: !fresh })
    if (fresh) this.forget(name)
    return this.#load(name, () => this.#askAccount(name))
  }

  /**
   * @param {string} domain
   * @param {{ fresh?: boolean, background?: boolean }} [options]
   */
  wantDomain(domain, { fresh = false, background = true } = {}) {
    if (fresh) this.forget(domain)
    return this.#load(domain, async () => {
      const usage = await this.#api.request('GET', `v1/domains/${encodeURIComponent(domain)}/quota`, { background })
      return { usage, accounts: accountsOf(usage) }
    })
  }

  /**
   * That what is known of a name, or of a domain, holds no longer. It is shown until the answer comes.
   *
   * @param {string} name
   */
  forget(name) {
    const loaded = this.#loaded.get(domainOf(name) || name)
    if (loaded) loaded.at = Number.NEGATIVE_INFINITY
  }

  /** That nothing that is known holds any longer. */
  forgetAll() {
    for (const key of this.#loaded.keys()) this.forget(key)
  }

  /**
   * @param {string} key
   * @param {() => Promise<Pick<Loaded, 'usage' | 'accounts'>>} ask
   *
   * @typedef {{ at: number, asking?: Promise<void> | undefined, usage?: DomainUsage | undefined,
   *   accounts?: ReadonlyMap<string, Account>, error?: unknown }} Loaded
   */
  async #load(key, ask) {
    const known = this.#loaded.get(key) ?? { at: Number.NEGATIVE_INFINITY }
    this.#loaded.set(key, known)
    if (performance.now() - known.at < freshFor) return
    const { at } = known
    known.at = performance.now()
    try {
      Object.assign(known, { error: undefined }, await ask())
    } catch (error) {
      if (isAbort(error)) known.at = at
      else known.error = error
    }
    this.#changed()
  }

  /** @param {string} name */
  async #askAccount(name) {
    try {
      const quota = await this.#api.request('GET', `v1/users/${encodeURIComponent(name)}/quota`, { background: true })
      return { accounts: new Map([[name, accountOf(quota)]]) }
    } catch (error) {
      if (isMissing(error)) return { accounts: new Map() }
      throw error
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}

/**
 * @param {DomainUsage} usage
 * @returns {ReadonlyMap<string, Account>}
 */
const accountsOf = ({ users, quotaBytes }) => {
  const inherited = /** @type {const} */ ({ limit: quotaBytes, source: Number(quotaBytes) === 0 ? 'none' : 'domain' })
  return new Map(
    users.map(({ username, usedBytes, quotaOverride }) => {
      const limited =
        quotaOverride === undefined ? inherited : { limit: quotaOverride, source: /** @type {const} */ ('user') }
      return [username, { usedBytes, ...limited }]
    }),
  )
}

/**
 * @param {UserQuota} quota
 * @returns {Account}
 */
export const accountOf = ({ usedBytes, quotaBytes, quotaSource }) => ({
  usedBytes,
  limit: quotaBytes,
  source: quotaSource,
})
