import type { Middleware } from '../context.ts'
import { ApiError } from '../errors.ts'
import { type Origins, readOrigins } from '../origins.ts'

const changes = (method: string): boolean => !['GET', 'HEAD', 'OPTIONS'].includes(method)

/**
 * Browsers send the credentials that they once have been told with what any web site has them send. They say which one it
 * was, though (Fetch Metadata, or Origin): only this one, and those that are listed, may change anything.
 */
export const sameSite = (written: readonly string[]): Middleware => {
  const origins: Origins = readOrigins(written)
  return async (ctx, next) => {
    const origin = ctx.get('Origin')
    if (
      changes(ctx.method) &&
      !origins.allowed(origin) &&
      isForeign(ctx.get('Sec-Fetch-Site'), origin, ctx.get('Host'))
    ) {
      throw new ApiError(403, 'Requests of other web sites are refused')
    }
    await next()
  }
}

const isForeign = (site: string, origin: string, host: string): boolean => {
  if (site !== '') return site !== 'same-origin' && site !== 'none'
  return origin !== '' && hostOf(origin) !== host.toLowerCase()
}

const hostOf = (origin: string): string | undefined => {
  try {
    return new URL(origin).host
  } catch {
    return undefined // `null`, as of a page in a sandbox
  }
}
