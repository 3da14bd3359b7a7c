import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dial } from '../../support/wire.ts'
import { admin, ann, refused, serveApi, sharedApi, succeeded } from './support.ts'

const shared = sharedApi()

test('GET / and GET /version need no login', async () => {
  const own = shared()
  succeeded(await own.api.get('/', { login: null }), 200, 'OK')
  const version = await own.api.get('/version', { login: null })
  assert.match(String(version.json), /^\d+\.\d+\.\d+/)
})

test('the version can be kept from strangers', async () => {
  await using own = await serveApi({ api: 'show_version no' })
  succeeded(await own.api.get('/version', { login: null }), 200, 'tsmaddy')
})

test('everything else of the API needs the login of the administrator', async () => {
  const own = shared()
  for (const path of ['/v1/users', '/v1/nothing', '/V1/users', '/v1', '/v1/stats', '/health', '/v1/users/a@b.test']) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      if (path === '/health' && method !== 'GET') continue
      const reply = await own.api.ask(method, path, { login: null })
      refused(reply, 401)
      assert.match(reply.headers['www-authenticate'] ?? '', /^Basic realm="tsmaddy"/)
    }
  }
})

test('only the administrator is told which paths there are', async () => {
  const own = shared()
  refused(await own.api.get('/v1/nothing'), 404)
  refused(await own.api.get('/nothing'), 404)
  refused(await own.api.get('/V1/users'), 404)
  const reply = await own.api.ask('PATCH', '/v1/users')
  refused(reply, 405)
  assert.equal(reply.headers.allow, 'GET, HEAD, POST')
})

test('HEAD is GET without its body', async () => {
  const own = shared()
  const reply = await own.api.ask('HEAD', '/v1/users')
  assert.equal(reply.status, 200)
  assert.equal(reply.text, '')
  assert.equal(reply.headers['content-length'], '2')
})

for (const [what, header] of [
  ['broken base64', 'Basic !!!!'],
  ['no colon', `Basic ${Buffer.from('admin').toString('base64')}`],
  ['another scheme', 'Bearer abc'],
  ['nothing after the scheme', 'Basic'],
  ['nothing', ''],
] as const) {
  test(`credentials with ${what} are answered as wrong ones are`, async () => {
    const own = shared()
    refused(await own.api.get('/v1/users', { login: null, headers: { Authorization: header } }), 401)
  })
}

test('the scheme of the credentials may be written in any case', async () => {
  const own = shared()
  const encoded = Buffer.from(`${admin.email}:${admin.password}`).toString('base64')
  succeeded(await own.api.get('/v1/users', { login: null, headers: { Authorization: `BASIC ${encoded}` } }), 200, [])
})

test('name and password have both to be right, and to the end', async () => {
  const own = shared()
  for (const login of [
    { ...admin, password: `${admin.password}x` },
    { ...admin, password: admin.password.slice(0, -1) },
    { ...admin, password: '' },
    { ...admin, email: 'other@example.test' },
    { ...admin, email: admin.email.toUpperCase() },
  ]) {
    refused(await own.api.get('/v1/users', { login }), 401)
  }
})

test('a browser is not told to ask for a password by the page that does so itself', async () => {
  const own = shared()
  const reply = await own.api.get('/v1/users', { login: null, headers: { 'X-Requested-With': 'tsmaddy-admin' } })
  refused(reply, 401)
  assert.equal(reply.headers['www-authenticate'], undefined)
})

test('an address with too many failed logins is not listened to for a while, others are', async () => {
  await using own = await serveApi({ api: 'trusted_proxies 127.0.0.1' })
  const from = (ip: string) => ({ headers: { 'X-Forwarded-For': ip } })
  const statuses: number[] = []
  for (let n = 0; n < 20; n++) {
    const login = { ...admin, password: `guess ${n}` }
    statuses.push((await own.api.get('/v1/users', { login, ...from('192.0.2.1') })).status)
  }
  assert.deepEqual(statuses, [...new Array(10).fill(401), ...new Array(10).fill(429)])
  const reply = await own.api.get('/v1/users', from('192.0.2.1'))
  refused(reply, 429)
  const wait = Number(reply.headers['retry-after'])
  assert.ok(wait >= 1 && wait <= 60)
  succeeded(await own.api.get('/v1/users', from('192.0.2.2')), 200, [])
  succeeded(await own.api.get('/', from('192.0.2.1')), 200, 'OK')
})

test('failed logins are in the log with their address, and without the password', async () => {
  await using own = await serveApi()
  await own.api.get('/v1/users', { login: { ...admin, password: 'a guess of mine' } })
  const log = await own.server.log()
  assert.match(log, /rest_api: authentication failed.*"src_ip":"127\.0\.0\.1".*"username":"admin@example\.test"/)
  assert.doesNotMatch(log, /a guess of mine/)
})

test('of requests that come in one packet as many are answered as of others', async () => {
  await using own = await serveApi({ rate: 3 })
  await using client = await dial(own.server.port('rest_api'))
  client.send(`${'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(4)}GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
  const statuses = [...(await client.rest()).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  assert.deepEqual(statuses, ['200', '200', '200', '429', '429'])
})

test('who asks and asks without waiting for answers is left', async () => {
  await using own = await serveApi()
  await using client = await dial(own.server.port('rest_api'))
  client.send('GET /docs HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\n\r\n'.repeat(1000))
  await client.closed()
  succeeded(await own.api.get('/'), 200, 'OK')
})

test('one address has so many requests a second, over all paths', async () => {
  await using own = await serveApi({ rate: 3 })
  const replies = await Promise.all(['/', '/version', '/v1/users', '/v1/nothing'].map((path) => own.api.get(path)))
  const limited = replies.filter(({ status }) => status === 429)
  assert.equal(limited.length, 1)
  const [reply] = limited
  assert.ok(reply)
  refused(reply, 429)
  assert.equal(reply.headers['retry-after'], '1')
  assert.doesNotMatch(JSON.stringify(reply.headers), /127\.0\.0\.1/)
})

test('pages are not counted', async () => {
  await using own = await serveApi({ rate: 1 })
  for (let n = 0; n < 5; n++) assert.equal((await own.api.get('/docs', { login: null })).status, 200)
  succeeded(await own.api.get('/'), 200, 'OK')
})

test('what a stranger writes into X-Forwarded-For changes nothing', async () => {
  await using own = await serveApi({ rate: 3 })
  const forged = ['192.0.2.1', '192.0.2.2', '', ',', '192.0.2.3, 192.0.2.4']
  const replies = await Promise.all(forged.map((ip) => own.api.get('/', { headers: { 'X-Forwarded-For': ip } })))
  assert.equal(replies.filter(({ status }) => status === 429).length, 2)
  assert.doesNotMatch(await own.server.log(), /192\.0\.2/)
})

test('of what a trusted proxy passes on, the last address that is no proxy counts', async () => {
  await using own = await serveApi({ rate: 1, api: 'trusted_proxies 127.0.0.1 198.51.100.0/24' })
  const ask = (forwarded: string) => own.api.get('/', { headers: { 'X-Forwarded-For': forwarded } })
  assert.equal((await ask('203.0.113.9, 192.0.2.1')).status, 200)
  assert.equal((await ask('203.0.113.8, 192.0.2.1, 198.51.100.7')).status, 429)
  assert.equal((await ask('192.0.2.2')).status, 200)
  assert.equal((await ask('2001:db8::1')).status, 200)
  assert.equal((await ask('2001:db8::2')).status, 429)
  assert.match(await own.server.log(), /"src_ip":"192\.0\.2\.1"/)
})

test('headers that make browsers careful are in every answer, and HSTS in none without TLS', async () => {
  const own = shared()
  for (const reply of [
    await own.api.get('/'),
    await own.api.get('/v1/users', { login: null }),
    await own.api.get('/nothing'),
    await own.api.post('/v1/users', '{'),
  ]) {
    assert.equal(reply.headers['x-content-type-options'], 'nosniff')
    assert.equal(reply.headers['x-dns-prefetch-control'], 'off')
    assert.equal(reply.headers['x-frame-options'], 'DENY')
    assert.equal(reply.headers['x-download-options'], 'noopen')
    assert.equal(reply.headers['x-xss-protection'], '0')
    assert.equal(reply.headers['referrer-policy'], 'no-referrer')
    assert.equal(reply.headers['cache-control'], 'no-store')
    assert.equal(reply.headers['content-security-policy'], "default-src 'none'")
    assert.equal(reply.headers['strict-transport-security'], undefined)
    assert.equal(reply.headers['x-powered-by'], undefined)
    assert.match(String(reply.headers['x-request-id']), /^[\w-]{22}$/)
  }
})

test('the policy of the API can be chosen, and that of the pages stays', async () => {
  await using own = await serveApi({ api: `content_security_policy "default-src https://a.test" "img-src 'none'"` })
  assert.equal((await own.api.get('/')).headers['content-security-policy'], "default-src https://a.test img-src 'none'")
  assert.match(String((await own.api.get('/docs')).headers['content-security-policy']), /^default-src 'self';/)
})

test('behind a trusted proxy with TLS, HSTS is sent', async () => {
  await using own = await serveApi({ api: 'trusted_proxies 127.0.0.1' })
  const reply = await own.api.get('/', { headers: { 'X-Forwarded-Proto': 'https' } })
  assert.match(String(reply.headers['strict-transport-security']), /^max-age=5184000; ?includeSubDomains$/)
})

test('a proper X-Request-ID is taken, and any other replaced', async () => {
  const own = shared()
  const ask = async (id: string) =>
    (await own.api.get('/v1/nothing', { headers: { 'X-Request-ID': id } })).headers['x-request-id']
  assert.equal(await ask('order-66_a'), 'order-66_a')
  for (const id of ['a b', '<script>', 'x'.repeat(65), 'ü', '"']) assert.notEqual(await ask(id), id)
  assert.match(await own.server.log(), /"request_id":"order-66_a"/)
})

const preflight = (origin: string) => ({
  login: null,
  headers: { Origin: origin, 'Access-Control-Request-Method': 'PUT' },
})

const corsHeaders = (headers: object): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control'))

test('without a list no web site is let in', async () => {
  const own = shared()
  for (const reply of [
    await own.api.ask('OPTIONS', '/v1/users', preflight('https://a.test')),
    await own.api.get('/v1/users', { headers: { Origin: 'https://a.test' } }),
  ]) {
    assert.deepEqual(corsHeaders(reply.headers), [])
  }
})

test('web sites that are listed are let in, with credentials, and others are not', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://a.test' })
  const reply = await own.api.get('/v1/users', { headers: { Origin: 'https://a.test' } })
  assert.equal(reply.headers['access-control-allow-origin'], 'https://a.test')
  assert.equal(reply.headers['access-control-allow-credentials'], 'true')
  for (const origin of ['https://b.test', 'https://a.test.evil.test', 'http://a.test', 'null']) {
    assert.deepEqual(corsHeaders((await own.api.get('/v1/users', { headers: { Origin: origin } })).headers), [])
  }
})

test('a web site that is listed can read the token that use_cookies wants back', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://a.test\nuse_cookies yes' })
  const { headers } = await own.api.get('/', { headers: { Origin: 'https://a.test' } })
  assert.match(String(headers['access-control-expose-headers']), /\bX-CSRF-Token\b/)
  assert.notEqual(headers['x-csrf-token'] ?? '', '')
})

test('errors can be read by web sites that are listed, too', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://a.test' })
  const reply = await own.api.get('/v1/users', { login: null, headers: { Origin: 'https://a.test' } })
  refused(reply, 401)
  assert.equal(reply.headers['access-control-allow-origin'], 'https://a.test')
})

test('the environment lists origins with commas, and blanks around them mean nothing', async () => {
  await using own = await serveApi({ env: { CORS_ALLOW_ORIGINS: ' https://a.test , https://b.test' } })
  for (const origin of ['https://a.test', 'https://b.test']) {
    const reply = await own.api.get('/v1/users', { headers: { Origin: origin } })
    assert.equal(reply.headers['access-control-allow-origin'], origin)
  }
})

test('a pattern lets hosts in, and no credentials', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://*.a.test http://app?.b.test:8080' })
  const ask = async (origin: string) => (await own.api.get('/', { headers: { Origin: origin } })).headers
  const allowed = await ask('https://x.y.a.test')
  assert.equal(allowed['access-control-allow-origin'], 'https://x.y.a.test')
  assert.equal(allowed['access-control-allow-credentials'], undefined)
  assert.equal((await ask('http://app1.b.test:8080'))['access-control-allow-origin'], 'http://app1.b.test:8080')
  for (const origin of ['https://a.test', 'https://evil.test/.a.test', 'https://xa.test', 'http://app12.b.test:8080']) {
    assert.deepEqual(corsHeaders(await ask(origin)), [])
  }
})

test('a star lets everybody in without credentials', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins *' })
  const { headers } = await own.api.get('/', { headers: { Origin: 'https://any.test' } })
  assert.equal(headers['access-control-allow-origin'], '*')
  assert.equal(headers['access-control-allow-credentials'], undefined)
})

test('a preflight is answered without a login, with the methods there are and the usual headers', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://a.test' })
  const reply = await own.api.ask('OPTIONS', '/v1/users', preflight('https://a.test'))
  assert.equal(reply.status, 204)
  assert.equal(reply.headers['access-control-allow-methods'], 'GET,HEAD,POST,PUT,DELETE')
  assert.match(reply.headers['access-control-allow-headers'] ?? '', /Authorization.*X-CSRF-Token/)
  assert.equal(reply.headers['x-content-type-options'], 'nosniff')
})

test('another web site cannot change anything with the credentials that a browser remembers', async () => {
  await using own = await serveApi()
  const path = `/v1/users/${ann.username}/mailboxes`
  for (const headers of [
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site', Origin: 'https://other.example.test' },
    { Origin: 'https://evil.test' },
    { Origin: 'null' },
  ]) {
    refused(await own.api.post(path, undefined, { headers }), 403)
    refused(await own.api.delete(path, { headers }), 403)
  }
  succeeded(await own.api.post(path, undefined, { headers: { 'Sec-Fetch-Site': 'same-origin' } }), 201)
})

test('a web site that is listed can', async () => {
  await using own = await serveApi({ api: 'cors_allow_origins https://a.test' })
  const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://a.test' }
  succeeded(await own.api.post('/v1/users', ann, { headers }), 201)
})

test('with use_cookies, a change needs the token of the cookie in a header', async () => {
  await using own = await serveApi({ api: 'use_cookies yes\nfqdn admin.example.test' })
  const first = await own.api.get('/v1/users')
  const [cookie = ''] = first.headers['set-cookie'] ?? []
  assert.match(
    cookie,
    /^_csrf=[\w-]{32}; Path=\/; Domain=admin\.example\.test; Expires=[^;]+ GMT; Secure; HttpOnly; SameSite=Strict$/,
  )
  const token = /=([\w-]+)/.exec(cookie)?.[1] ?? ''
  assert.equal(first.headers['x-csrf-token'], token)
  const change = (headers: Readonly<Record<string, string>>) => own.api.post('/v1/users', ann, { headers })
  const without = await change({ Cookie: `_csrf=${token}` })
  refused(without, 400)
  assert.match(without.text, /missing csrf token in request header/)
  const wrong = await change({ Cookie: `_csrf=${token}`, 'X-CSRF-Token': `${token}x` })
  refused(wrong, 403)
  assert.match(wrong.text, /invalid csrf token/)
  refused(await change({ 'X-CSRF-Token': token }), 403)
  succeeded(await change({ Cookie: `_csrf=${token}`, 'X-CSRF-Token': token }), 201)
})

test('the cookie is renewed with the same token', async () => {
  await using own = await serveApi({ api: 'use_cookies yes' })
  const first = await own.api.get('/')
  const token = String(first.headers['x-csrf-token'])
  const again = await own.api.get('/', { headers: { Cookie: `_csrf=${token}` } })
  assert.equal(again.headers['x-csrf-token'], token)
  const forged = await own.api.get('/', { headers: { Cookie: '_csrf=short' } })
  assert.match(String(forged.headers['x-csrf-token']), /^[\w-]{32}$/)
})

test('a body above 64 KiB is refused, whether it says so before or not', async () => {
  await using own = await serveApi()
  const body = JSON.stringify({ ...ann, more: 'x'.repeat(1024 * 1024) })
  refused(await own.api.post('/v1/users', body), 413)
  await using client = await dial(own.server.port('rest_api'))
  const login = Buffer.from(`${admin.email}:${admin.password}`).toString('base64')
  client.send(
    `POST /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${login}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`,
  )
  for (let n = 0; n < 5; n++) client.send(`4000\r\n${'x'.repeat(0x4000)}\r\n`)
  client.send('0\r\n\r\n')
  assert.match(await client.rest(), /^HTTP\/1\.1 413 /)
  succeeded(await own.api.get('/v1/users'), 200, [])
})

test('a body is read only for the administrator', async () => {
  const own = shared()
  await using client = await dial(own.server.port('rest_api'))
  client.send('POST /v1/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{')
  assert.equal(await client.line(), 'HTTP/1.1 401 Unauthorized')
})

for (const [what, body] of [
  ['cut off', '{"username":'],
  ['followed by something', `${JSON.stringify(ann)} {}`],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22]).toString('latin1')],
  ['nested very deep', '['.repeat(60_000)],
  ['empty', ''],
  ['a list', '[]'],
] as const) {
  test(`a body that is ${what} is refused`, async () => {
    const own = shared()
    refused(await own.api.post('/v1/users', body), 400)
    succeeded(await own.api.get('/v1/users'), 200, [])
  })
}

test('every change is in the audit log with who, what and from where, and no password is in any log', async () => {
  await using own = await serveApi()
  const headers = { 'X-Request-ID': 'the-request' }
  await own.api.post('/v1/users', { ...ann, createMailboxes: true }, { headers })
  await own.api.post(`/v1/users/${ann.username}/password`, { password: 'another-secret' }, { headers })
  await own.api.delete(`/v1/users/${ann.username}`, { headers })
  await own.api.delete(`/v1/users/${ann.username}/mailboxes`, { headers })
  await own.api.post(`/v1/users/${ann.username}/mailboxes`, undefined, { headers })
  const log = await own.server.log()
  for (const what of ['user created', 'password changed', 'user deleted', 'mailboxes deleted', 'mailboxes created']) {
    const line = log.split('\n').find((each) => each.includes(`rest_api/audit: ${what}\t`)) ?? ''
    for (const part of [
      '"by":"admin@example.test"',
      '"username":"ann@site.test"',
      '"request_id":"the-request"',
      '"src_ip":"127.0.0.1"',
    ]) {
      assert.ok(line.includes(part), `${what}: ${line}`)
    }
  }
  for (const secret of [ann.password, 'another-secret', admin.password]) assert.ok(!log.includes(secret))
})
