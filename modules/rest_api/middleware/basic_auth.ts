import type { Context, Logger } from '../../../core/index.ts'
import type { Middleware, RequestContext } from '../context.ts'
import { equal } from '../equal.ts'
import { ApiError } from '../errors.ts'
import { Failures } from '../failures.ts'

export interface Administrator {
  readonly email: string
  readonly password: string
}

/** By this value of X-Requested-With the admin page says that it asks for the password itself, and no browser has to. */
export const adminPage = 'tsmaddy-admin'

/** Lets the administrator pass, and nobody else. */
export const basicAuth = (
  { email, password }: Administrator,
  { logins, log }: { readonly logins: Context['logins']; readonly log: Logger },
): Middleware => {
  const failures = new Failures()
  const isRight = async (ctx: RequestContext, given: Administrator): Promise<boolean> => {
    const { client, signal, requestId } = ctx.state
    const check = async () => {
      // Both are compared, and in full: the time says nothing of which is wrong.
      const right = [equal(given.email, email), equal(given.password, password)].every((each) => each)
      if (right) return true
      failures.add(client.key)
      const where = { src_ip: client.ip ?? '', username: given.email.slice(0, 320), request_id: requestId }
      log.error('authentication failed', new Error('not the administrator'), where)
      return false
    }
    return await logins.attempt(client.ip, given.email, check, signal)
  }
  return async (ctx, next) => {
    const retryAfter = failures.blockedFor(ctx.state.client.key)
    if (retryAfter > 0) {
      throw new ApiError(429, 'Too many failed logins', { headers: { 'Retry-After': String(retryAfter) } })
    }
    const given = credentialsIn(ctx.get('Authorization'))
    if (!given || !(await isRight(ctx, given))) throw unauthorized(ctx)
    await next()
  }
}

/** Undefined for anything that does not hold a name and a password (RFC 7617). */
const credentialsIn = (header: string): Administrator | undefined => {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { email: text.slice(0, colon), password: text.slice(colon + 1) }
}

const unauthorized = (ctx: RequestContext): ApiError => {
  const asked = ctx.get('X-Requested-With') !== adminPage
  const headers = asked ? { 'WWW-Authenticate': 'Basic realm="tsmaddy", charset="UTF-8"' } : {}
  return new ApiError(401, 'Unauthorized', { headers })
}
