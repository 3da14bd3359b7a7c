import { tooLarge } from '../body.ts'
import type { Middleware } from '../context.ts'

/** Refuses what says that it is too large before anybody has to read it. What does not say so is counted when it is read. */
export const bodyLimit =
  (bytes: number): Middleware =>
  async (ctx, next) => {
    if (Number(ctx.get('Content-Length') || 0) > bytes) throw tooLarge(bytes)
    await next()
  }
