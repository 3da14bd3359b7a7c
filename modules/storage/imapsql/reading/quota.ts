import type { AccountUsage, DomainUsage, QuotaBytes } from '../../../../core/index.ts'
import { domainForLookup, lowerCase, toAscii } from '../../../../core/kit/address/domain.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'

/** What an account keeps and may keep, in bytes; a limit of 0 is none. */
export interface Quota extends Pick<AccountUsage, 'limit' | 'source'> {
  readonly account: number
  readonly used: number
}

// Others may have written a name in any case, and even twice: then the one that is spelt as here counts, else the smallest.
// SQLite compares the column of another table with an index of lower(…) only when that is wrapped in lower(), too.

const ownLimit = (name: string): string => `coalesce(
  (SELECT CAST(quota_bytes AS text) FROM user_quotas WHERE username = ${name}),
  (SELECT CAST(min(quota_bytes) AS text) FROM user_quotas WHERE lower(username) = lower(${name})))`

const domainLimit = (unicode: string, ascii: string): string => `coalesce(
  (SELECT CAST(quota_bytes AS text) FROM domain_quotas WHERE domain = ${unicode}),
  (SELECT CAST(min(quota_bytes) AS text) FROM domain_quotas WHERE lower(domain) = ${unicode}),
  (SELECT CAST(min(quota_bytes) AS text) FROM domain_quotas WHERE lower(domain) = ${ascii}))`

/**
 * The quota of an account, by its name in lower case; undefined when there is no such account. Its own limit goes before
 * that of its domain, also when it says that there is none. Costs the same however many messages and accounts there are.
 */
export const readQuota = async (db: Statements, username: string): Promise<Quota | undefined> => {
  const domain = domainOf(username)
  const [row] = await db.query<[number, number, string | null, string | null]>(
    `SELECT u.id, t.size, ${ownLimit('$1')}, ${domainLimit('$2', '$3')}
      FROM users u JOIN tsmaddy_users t ON t.uid = u.id WHERE u.username = $1`,
    [username, domain, asciiName(domain)],
  )
  if (!row) return undefined
  const [account, used, own, shared] = row
  const limit = quotaBytes(own ?? shared ?? '0')
  return { account, used, limit, source: own !== null ? 'user' : shared !== null ? 'domain' : 'none' }
}

/** Whether an account keeps too much, or would with so many bytes more. One that is exactly full does not. */
export const isOver = ({ used, limit }: Pick<Quota, 'used' | 'limit'>, more = 0): boolean =>
  limit > 0 && used + more > limit

export const readAccountUsage = async (db: Statements, username: string): Promise<AccountUsage | undefined> => {
  const quota = await readQuota(db, username)
  if (!quota) return undefined
  const { account, used, limit, source } = quota
  const mailboxes = await db.query<[string, number, number]>(
    'SELECT b.name, t.messages, t.size FROM mboxes b JOIN tsmaddy_mboxes t ON t.mboxid = b.id WHERE b.uid = $1',
    [account],
  )
  return {
    username,
    usedBytes: used,
    limit,
    source,
    mailboxes: mailboxes
      .map(([name, messages, usedBytes]) => ({ name, messages, usedBytes }))
      .sort((a, b) => inOrder(a.name, b.name)),
  }
}

/** `domain` in its lookup form. */
export const readDomainUsage = async (db: Statements, domain: string): Promise<DomainUsage> => {
  const ascii = asciiName(domain)
  const [limit] = await db.query<[string | null]>(`SELECT ${domainLimit('$1', '$2')}`, [domain, ascii])
  const rows = await db.query<[string, number, string | null]>(
    `SELECT u.username, t.size, ${ownLimit('u.username')} FROM users u JOIN tsmaddy_users t ON t.uid = u.id
      WHERE u.username LIKE $1 ESCAPE '!' OR u.username LIKE $2 ESCAPE '!'`,
    [endingIn(domain), endingIn(ascii)],
  )
  const accounts = rows
    .filter(([username]) => domainOf(username) === domain)
    .map(([username, usedBytes, own]) => ({ username, usedBytes, own: own === null ? undefined : quotaBytes(own) }))
  return {
    domain,
    usedBytes: accounts.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
    limit: quotaBytes(limit?.[0] ?? '0'),
    accounts: accounts.sort((a, b) => inOrder(a.username, b.username)),
  }
}

/** What expunging a mailbox would free, in bytes. */
export const readDeletedSize = async (db: Statements, mailbox: number): Promise<number> => {
  const [row] = await db.query<[number]>(
    `SELECT CAST(coalesce(sum(t.size), 0) AS bigint) FROM flags f
      JOIN tsmaddy_msgs t ON t.mboxid = f.mboxid AND t.uid = f.msgid
      WHERE f.mboxid = $1 AND f.flag = '\\Deleted'`,
    [mailbox],
  )
  return row?.[0] ?? 0
}

/** The domain of an account in its lookup form. A name without one is its own domain. */
const domainOf = (username: string): string => {
  const written = username.slice(username.lastIndexOf('@') + 1)
  try {
    return domainForLookup(written)
  } catch {
    return lowerCase(written) // no table has it in another form
  }
}

/** How the domain may be spelt besides. */
export const asciiName = (domain: string): string => {
  try {
    return toAscii(domain)
  } catch {
    return domain
  }
}

/** Numbers beyond what the engines' own integers are here come as text. */
const quotaBytes = (text: string): QuotaBytes => {
  const bytes = BigInt(text)
  if (bytes <= 0n) return 0
  return bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : bytes
}

const endingIn = (name: string): string => `%${name.replace(/[!%_]/g, '!$&')}`

const inOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
