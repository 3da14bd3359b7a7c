import type { KoaHelmet } from 'koa-helmet'
import type { Middleware } from '../context.ts'
import { isPage } from '../pages.ts'

/** Nothing from elsewhere, and nobody puts it into a frame. */
const policyOfPages =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

/** Headers that tell browsers to be careful. HSTS is for TLS alone: over plain HTTP it means nothing (RFC 6797 §8.1). */
export const securityHeaders = (helmet: KoaHelmet, policyOfApi: string): Middleware => {
  const common = {
    contentSecurityPolicy: false,
    dnsPrefetchControl: { allow: false },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  } as const
  const plain = helmet({ ...common, strictTransportSecurity: false }) as Middleware
  const encrypted = helmet({
    ...common,
    strictTransportSecurity: { maxAge: 60 * 24 * 60 * 60, includeSubDomains: true },
  }) as Middleware
  return (ctx, next) => {
    ctx.set('Content-Security-Policy', isPage(ctx.path) ? policyOfPages : policyOfApi)
    ctx.set('Cache-Control', 'no-store')
    return (ctx.state.client.secure ? encrypted : plain)(ctx, next)
  }
}
