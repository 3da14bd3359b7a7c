import { STATUS_CODES } from 'node:http'
import { type Logger, StorageError, UserError } from '../../../core/index.ts'
import type { Middleware, RequestContext } from '../context.ts'
import { ApiError } from '../errors.ts'
import { toJson } from '../json.ts'

/** Turns whatever went wrong into an answer. What it was is in the log, by the request's id, and nowhere else. */
export const recovery =
  (log: Logger): Middleware =>
  async (ctx, next) => {
    try {
      await next()
    } catch (error) {
      const refusal = refusalOf(error)
      tell(log, error, refusal, ctx)
      answer(ctx, refusal)
    }
  }

const refusalOf = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  if (error instanceof UserError && error.kind === 'invalid') return new ApiError(400, error.message, { cause: error })
  if (error instanceof StorageError && error.kind === 'missing') return new ApiError(404, 'Not Found', { empty: true })
  if (error instanceof Error && 'status' in error && typeof error.status === 'number') {
    const { status } = error // of a package of Koa's
    if (status >= 400 && status < 500)
      return new ApiError(status, STATUS_CODES[status] ?? 'Bad Request', { cause: error })
  }
  return new ApiError(500, 'Internal Server Error', { cause: error })
}

const tell = (log: Logger, error: unknown, { status, cause }: ApiError, { state }: RequestContext): void => {
  if (status < 500) return
  if (state.signal.aborted) {
    log.debug('the client has gone', { request_id: state.requestId })
    return
  }
  const stack = status === 500 && error instanceof Error ? { stack: error.stack?.slice(0, 4096) } : {}
  log.error('request failed', cause ?? error, { request_id: state.requestId, status, ...stack })
}

const answer = (ctx: RequestContext, { status, message, errors, headers, empty }: ApiError): void => {
  ctx.set({ ...headers })
  if (empty) {
    ctx.body = null
    ctx.status = status
    return
  }
  ctx.status = status
  ctx.type = 'application/json'
  ctx.body = toJson({ message, requestId: ctx.state.requestId, ...(errors.length > 0 && { errors }) })
}
