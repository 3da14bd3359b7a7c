import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Middleware } from './context.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
}

interface File {
  readonly content: Buffer
  /** The content compressed, once and for all. */
  readonly gzipped: Buffer
  readonly type: string
  readonly etag: string
}

const file = (content: Buffer, type: string): File => ({
  content,
  gzipped: gzipSync(content),
  type,
  // Weak, as it is that of both forms.
  etag: `W/"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`,
})

/**
 * The files of the admin page by the paths they are served under. All are in memory: what is not in the folder cannot be asked
 * for, however a path is written.
 */
const adminFiles = async (): Promise<Map<string, File>> => {
  const folder = fileURLToPath(new URL('admin/', import.meta.url))
  const files = new Map<string, File>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const type = types[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    files.set(`/admin/${relative(folder, path).split(sep).join('/')}`, file(await readFile(path), type))
  }
  const index = files.get('/admin/index.html')
  if (index) files.set('/admin/', index)
  return files
}

/** Serves the pages of the server: the admin page, and these by their paths. */
export const servePages = async (
  pages: Readonly<Record<string, { readonly text: string; readonly type: '.html' | '.css' }>>,
): Promise<Middleware> => {
  const files = await adminFiles()
  for (const [path, { text, type }] of Object.entries(pages)) {
    files.set(path, file(Buffer.from(text), types[type] ?? ''))
  }
  return async (ctx, next) => {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') return await next()
    if (ctx.path === '/admin') return ctx.redirect('/admin/')
    const found = files.get(ctx.path)
    if (!found) return await next()
    ctx.status = 200
    ctx.set('Cache-Control', 'no-cache')
    ctx.etag = found.etag
    if (ctx.fresh) {
      ctx.status = 304
      return
    }
    ctx.type = found.type
    if (ctx.acceptsEncodings('gzip', 'identity') !== 'gzip') {
      ctx.body = found.content
      return
    }
    ctx.set('Content-Encoding', 'gzip')
    ctx.body = found.gzipped
  }
}
