import { randomBytes } from 'node:crypto'
import type { Networks } from '../../../core/kit/proxy/index.ts'
import { clientOf } from '../client.ts'
import type { Middleware } from '../context.ts'

/** Gives each request what everything after it tells it by: its id, which a client may choose, and who sent it. */
export const requestId =
  (trustedProxies: Networks | undefined): Middleware =>
  async (ctx, next) => {
    const given = ctx.get('X-Request-ID')
    ctx.state.requestId = /^[\w-]{1,64}$/.test(given) ? given : randomBytes(16).toString('base64url')
    ctx.set('X-Request-ID', ctx.state.requestId)
    ctx.state.client = clientOf(ctx.req, trustedProxies)
    const gone = new AbortController()
    ctx.state.signal = gone.signal
    ctx.res.once('close', () => {
      if (!ctx.res.writableFinished) gone.abort(new Error('the client has gone'))
    })
    await next()
  }
