import type { Logger } from '../../../core/index.ts'
import type { Middleware } from '../context.ts'
import { isPage } from '../pages.ts'

/** One line for each request. What was sent in queries, bodies and credentials is not in it. */
export const accessLog =
  (log: Logger): Middleware =>
  async (ctx, next) => {
    const start = performance.now()
    await next()
    const { requestId, client } = ctx.state
    const fields = {
      method: ctx.method,
      path: ctx.path.slice(0, 400),
      status: ctx.status,
      ms: Math.round(performance.now() - start),
      src_ip: client.ip ?? '',
      request_id: requestId,
    }
    if (isPage(ctx.path)) log.debug('request', fields)
    else log.info('request', fields)
  }
