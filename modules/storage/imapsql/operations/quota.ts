import type { QuotaBytes } from '../../../../core/index.ts'
import type { Statements } from '../../../../core/kit/sql/writer/index.ts'
import { asciiName, isOver, readQuota } from '../reading/quota.ts'
import { Refusal } from '../refusal.ts'

/**
 * To be called after messages have been added to an account: that has locked its row of `tsmaddy_users` until the end of the
 * transaction, so that of two which fit only singly the second sees the first. Throws Refusal `over_quota`, which undoes
 * the whole operation.
 */
export const refuseOverQuota = async (db: Statements, username: string): Promise<void> => {
  const quota = await readQuota(db, username)
  if (quota && isOver(quota)) throw new Refusal('over_quota', 'The account has no room for that')
}

/** Gives an account a limit of its own, or takes it away. Throws Refusal `missing`. */
export const setUserQuota = async (
  db: Statements,
  { username, bytes }: { username: string; bytes: QuotaBytes | null },
): Promise<void> => {
  // Who deletes the account waits, and then deletes this too.
  const locked = await db.query(
    'UPDATE tsmaddy_users SET size = size WHERE uid = (SELECT id FROM users WHERE username = $1) RETURNING uid',
    [username],
  )
  if (locked.length === 0) throw new Refusal('missing', 'The account does not exist')
  await db.query('DELETE FROM user_quotas WHERE lower(username) = $1 AND ($2 = 1 OR username <> $1)', [
    username,
    bytes === null ? 1 : 0,
  ])
  if (bytes === null) return
  await db.query(
    `INSERT INTO user_quotas (username, quota_bytes, created_at, updated_at) VALUES ($1, $2, $3, $3)
      ON CONFLICT (username) DO UPDATE SET quota_bytes = excluded.quota_bytes, updated_at = excluded.updated_at`,
    [username, bytes, now()],
  )
}

/** Sets the limit of each account of a domain, which is given in its lookup form. */
export const setDomainQuota = async (
  db: Statements,
  { domain, bytes }: { domain: string; bytes: QuotaBytes },
): Promise<void> => {
  await db.query('DELETE FROM domain_quotas WHERE lower(domain) IN ($1, $2) AND domain <> $1', [
    domain,
    asciiName(domain),
  ])
  await db.query(
    `INSERT INTO domain_quotas (domain, quota_bytes, created_at, updated_at) VALUES ($1, $2, $3, $3)
      ON CONFLICT (domain) DO UPDATE SET quota_bytes = excluded.quota_bytes, updated_at = excluded.updated_at`,
    [domain, bytes, now()],
  )
}

/** As the database itself writes a time without its zone, in UTC. */
const now = (): string => new Date().toISOString().slice(0, 19).replace('T', ' ')
