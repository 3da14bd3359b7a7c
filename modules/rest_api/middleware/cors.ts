import type corsOf from '@koa/cors'
import type { Middleware } from '../context.ts'
import { type Origins, readOrigins } from '../origins.ts'

/** Lets scripts of listed web sites in. Without any there is nothing to say, and no header. */
export const cors = (koaCors: typeof corsOf, written: readonly string[]): readonly Middleware[] => {
  if (written.length === 0) return []
  const origins: Origins = readOrigins(written)
  const options: corsOf.Options = {
    origin: (ctx) => origins.allowed(ctx.get('Origin')) ?? '',
    credentials: (ctx) => origins.trusted(ctx.get('Origin')),
    allowMethods: 'GET,HEAD,POST,PUT,DELETE',
    allowHeaders: 'Authorization,Content-Type,X-CSRF-Token,X-Request-ID',
    exposeHeaders: 'Retry-After,X-CSRF-Token,X-Request-ID',
    maxAge: 86_400,
  }
  return [koaCors(options) as Middleware]
}
