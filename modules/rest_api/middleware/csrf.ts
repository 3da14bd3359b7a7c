import { randomBytes } from 'node:crypto'
import type { Middleware } from '../context.ts'
import { equal } from '../equal.ts'
import { ApiError } from '../errors.ts'
import { isPage } from '../pages.ts'

const day = 24 * 60 * 60_000

/**
 * Wants the token of a cookie in a header, too: another web site can have the cookie sent, but cannot read it. Programs take it
 * from the cookie; a page, which cannot read this cookie either, from the header of any answer.
 */
export const csrf =
  (domain: string | undefined): Middleware =>
  async (ctx, next) => {
    if (isPage(ctx.path)) return await next()
    const cookie = ctx.cookies.get('_csrf')
    if (['POST', 'PUT', 'DELETE', 'PATCH'].includes(ctx.method)) {
      const header = ctx.get('X-CSRF-Token')
      if (header === '') throw new ApiError(400, 'missing csrf token in request header')
      if (!cookie || !equal(header, cookie)) throw new ApiError(403, 'invalid csrf token')
    }
    const token = cookie !== undefined && /^[\w-]{32}$/.test(cookie) ? cookie : randomBytes(24).toString('base64url')
    const where = `Path=/${domain === undefined ? '' : `; Domain=${domain}`}`
    const expires = new Date(Date.now() + day).toUTCString()
    ctx.append('Set-Cookie', `_csrf=${token}; ${where}; Expires=${expires}; Secure; HttpOnly; SameSite=Strict`)
    ctx.set('X-CSRF-Token', token)
    ctx.vary('Cookie')
    await next()
  }
