import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { routes } from '../../../modules/rest_api/routes/index.ts'
import { serveApi, sharedApi } from './support.ts'

const folder = fileURLToPath(new URL('../../../modules/rest_api/admin/', import.meta.url))
const open = { login: null } as const

const shared = sharedApi()

test('the page of the API has every operation and schema, and needs nothing from elsewhere', async () => {
  const own = shared()
  const { text, headers } = await own.api.get('/docs', open)
  assert.equal(headers['content-type'], 'text/html; charset=utf-8')
  for (const { operationId } of routes) assert.ok(text.includes(`id="${operationId}"`), operationId)
  for (const [, target = ''] of text.matchAll(/href="#(\w+)"/g)) assert.ok(text.includes(`id="${target}"`), target)
  assert.doesNotMatch(text, /<script|style=|(src|href)="https?:/)
  const style = await own.api.get('/docs/style.css', open)
  assert.equal(style.headers['content-type'], 'text/css; charset=utf-8')
})

test('every file of the admin page is served with its type, and the policy lets it load its own files alone', async () => {
  await using own = await serveApi({ rate: 1 })
  const types: Readonly<Record<string, RegExp>> = {
    html: /^text\/html; charset=utf-8$/,
    css: /^text\/css; charset=utf-8$/,
    js: /^text\/javascript; charset=utf-8$/,
    svg: /^image\/svg\+xml$/,
  }
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(html|css|js|svg)$/.test(name))
  assert.ok(files.includes('index.html'))
  for (const name of files) {
    const { status, headers, text } = await own.api.get(`/admin/${name}`, open)
    assert.equal(status, 200, name)
    assert.match(headers['content-type'] ?? '', types[name.slice(name.lastIndexOf('.') + 1)] ?? /never/)
    assert.match(String(headers['content-security-policy']), /^default-src 'self';/)
    assert.equal(text, await readFile(join(folder, name), 'utf8'))
  }
})

test('/admin leads to /admin/, which is its index', async () => {
  const own = shared()
  const reply = await own.api.get('/admin', open)
  assert.equal(reply.status, 302)
  assert.equal(reply.headers.location, '/admin/')
  assert.equal((await own.api.get('/admin/', open)).text, await readFile(join(folder, 'index.html'), 'utf8'))
})

for (const path of [
  '/admin/../index.ts',
  '/admin/%2e%2e/index.ts',
  '/admin/..%2findex.ts',
  '/admin/..\\index.ts',
  '/admin//etc/passwd',
  '/admin/./index.html',
  '/admin/nothing.html',
  '/admin/index.html/',
  '/docs/../admin/index.html',
  '/docs/style.css%00',
  '/admin/__proto__',
]) {
  test(`there is nothing at ${path}`, async () => {
    const own = shared()
    assert.equal((await own.api.get(path, open)).status, 404)
  })
}

test('a browser that has a file is told that it is the same', async () => {
  const own = shared()
  const first = await own.api.get('/docs/style.css', open)
  const again = await own.api.get('/docs/style.css', {
    ...open,
    headers: { 'If-None-Match': String(first.headers.etag) },
  })
  assert.equal(again.status, 304)
  assert.equal(again.text, '')
})

test('nothing is sent to a page', async () => {
  const own = shared()
  assert.equal((await own.api.post('/docs', {})).status, 404)
})
