import type rateLimitOf from 'koa-ratelimit'
import type { Middleware } from '../context.ts'
import { ApiError } from '../errors.ts'
import { isPage } from '../pages.ts'

/** Addresses that are remembered. */
const capacity = 10_000

/** What the package keeps its counts in, but not for ever: a stranger has any number of addresses. */
class RecentCounts extends Map<string, object> {
  /** The package changes what it gets, and reads it later on: by then another request may have had its turn. */
  override get(key: string): object | undefined {
    const kept = super.get(key)
    const own = kept && { ...kept }
    if (own) super.set(key, own)
    return own
  }

  override set(key: string, value: object): this {
    super.delete(key)
    super.set(key, value)
    for (const oldest of super.keys()) {
      if (this.size <= capacity) break
      super.delete(oldest)
    }
    return this
  }
}

/** So many requests a second from one address, over all paths. The pages of the server are no burden. */
export const rateLimit = (koaRateLimit: typeof rateLimitOf, perSecond: number): Middleware => {
  const options = {
    driver: 'memory' as const,
    db: new RecentCounts(),
    duration: 1000,
    max: perSecond,
    id: (ctx: { state: unknown }) => (ctx.state as { client: { key: string } }).client.key,
    whitelist: (ctx: { path: string }) => isPage(ctx.path),
    headers: { remaining: 'X-Rate-Limit-Remaining', reset: 'X-Rate-Limit-Reset', total: 'X-Rate-Limit-Limit' },
    onLimited: () => {
      throw new ApiError(429, 'Too many requests', { headers: { 'Retry-After': '1' } })
    },
  }
  return koaRateLimit(options) as Middleware
}
