import type { RequestListener } from 'node:http'
import koaCors from '@koa/cors'
import { Router } from '@koa/router'
import Koa from 'koa'
import compress from 'koa-compress'
import helmet from 'koa-helmet'
import koaRateLimit from 'koa-ratelimit'
import type { Context, Logger } from '../../core/index.ts'
import type { Networks } from '../../core/kit/proxy/index.ts'
import { bodyLimitBytes, readJson } from './body.ts'
import type { Middleware, RequestContext, RequestState } from './context.ts'
import { docsPage, docsStyle } from './docs_page.ts'
import { ApiError } from './errors.ts'
import { servePages } from './files.ts'
import { toJson } from './json.ts'
import { accessLog } from './middleware/access_log.ts'
import { type Administrator, basicAuth } from './middleware/basic_auth.ts'
import { bodyLimit } from './middleware/body_limit.ts'
import { cors } from './middleware/cors.ts'
import { csrf } from './middleware/csrf.ts'
import { rateLimit } from './middleware/rate_limit.ts'
import { recovery } from './middleware/recovery.ts'
import { requestId } from './middleware/request_id.ts'
import { sameSite } from './middleware/same_site.ts'
import { securityHeaders } from './middleware/security_headers.ts'
import { type OpenApi, openApi } from './openapi.ts'
import type { Route, Services } from './route.ts'
import { makeValidate, type Validate } from './validation.ts'

export interface AppOptions {
  readonly administrator: Administrator
  readonly requestsPerSecond: number
  readonly origins: readonly string[]
  readonly policy: string
  readonly fqdn: string | undefined
  readonly useCookies: boolean
  readonly trustedProxies: Networks | undefined
  readonly logins: Context['logins']
  readonly log: Logger
  readonly routes: readonly Route[]
  readonly version: string
  readonly services: Omit<Services, 'document'>
}

/** The API as a function of requests. The order of its layers is that of the rest of this file. */
export const makeApp = async (options: AppOptions): Promise<RequestListener> => {
  const { log, routes } = options
  const document = openApi(routes, options.version)
  const guard = basicAuth(options.administrator, { logins: options.logins, log })
  const layers: readonly Middleware[] = [
    requestId(options.trustedProxies),
    securityHeaders(helmet, options.policy),
    accessLog(log),
    recovery(log),
    ...cors(koaCors, options.origins),
    rateLimit(koaRateLimit, options.requestsPerSecond),
    sameSite(options.origins),
    ...(options.useCookies ? [csrf(options.fqdn)] : []),
    bodyLimit(bodyLimitBytes),
    compress({ br: false, deflate: false, zstd: false, gzip: {} }) as Middleware,
    await pages(document),
    wellFormed,
    routed(options, document, guard, await makeValidate()),
    unrouted(guard),
  ]
  const app = new Koa<RequestState>()
  for (const layer of layers) app.use(layer)
  app.on('error', (error: unknown) => log.debug('a response was cut off', { reason: String(error) }))
  return app.callback()
}

const pages = (document: OpenApi): Promise<Middleware> => {
  const page = { text: docsPage(document), type: '.html' } as const
  return servePages({ '/docs': page, '/docs/': page, '/docs/style.css': { text: docsStyle, type: '.css' } })
}

/** A path that cannot be decoded would mean something else to each who reads it. */
const wellFormed: Middleware = async (ctx, next) => {
  try {
    decodeURIComponent(ctx.path)
  } catch (cause) {
    throw new ApiError(400, 'The path is not encoded rightly', { cause })
  }
  await next()
}

/** Each route has the guard in front of it, but for those that say they need none. */
const routed = (
  { routes, services, administrator }: AppOptions,
  document: OpenApi,
  guard: Middleware,
  validate: Validate,
): Middleware => {
  const router = new Router<RequestState>({ sensitive: true, strict: true })
  const all: Services = { ...services, document }
  for (const route of routes) {
    const run: Middleware = async (ctx) => answer(ctx, await handle(route, ctx, { all, validate, administrator }))
    router[route.method](route.path, ...((route.public ? [run] : [guard, run]) as never[]))
  }
  return router.routes() as unknown as Middleware
}

interface Surroundings {
  readonly all: Services
  readonly validate: Validate
  readonly administrator: Administrator
}

const handle = async (route: Route, ctx: RequestContext, { all, validate, administrator }: Surroundings) => {
  const body = route.body && (await readJson(ctx))
  if (route.body) validate(route.body, body?.rounded)
  const { requestId, client } = ctx.state
  return await route.handle(
    {
      params: (ctx as RequestContext & { readonly params: Readonly<Record<string, string>> }).params,
      query: new URLSearchParams(ctx.querystring),
      body: body?.exact,
      author: { admin: administrator.email, ip: client.ip, requestId },
    },
    all,
  )
}

const answer = (ctx: RequestContext, { status, json }: { readonly status: number; readonly json?: unknown }): void => {
  ctx.body = json === undefined ? null : toJson(json)
  ctx.status = status
  if (json !== undefined) ctx.type = 'application/json'
}

/** What no route answers. Only the administrator is told which paths of the API there are. */
const unrouted =
  (guard: Middleware): Middleware =>
  async (ctx) => {
    const { matched = [] } = ctx as RequestContext & { readonly matched?: readonly { readonly methods: string[] }[] }
    const refuse = async (): Promise<void> => {
      const methods = [...new Set(matched.flatMap((layer) => layer.methods))]
      if (methods.length === 0) throw new ApiError(404, 'Not Found')
      throw new ApiError(405, 'Method Not Allowed', { headers: { Allow: methods.toSorted().join(', ') } })
    }
    if (/^\/v1(\/|$)/i.test(ctx.path)) await guard(ctx, refuse)
    else await refuse()
  }
