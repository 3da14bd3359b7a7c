import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { ServerProcess, until } from '../../support/process.ts'
import { serve } from '../../support/server.ts'
import { dial } from '../../support/wire.ts'
import { ApiClient, admin, ann, conf, refused, serveApi, succeeded } from './support.ts'

const env = { ENABLE_API: 'true', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password }
const without = conf({ block: '' })

/** A port that is free now; nobody else is given it until some time has passed. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

test('ENABLE_API=true adds the API on the port of MADDY_PORT, and warns that it is not encrypted', async () => {
  const port = await freePort()
  await using server = await serve(without, { env: { ...env, MADDY_PORT: String(port) } })
  succeeded(await new ApiClient(port).get('/v1/users'), 200, [])
  assert.match(await server.log(), /configuration warning: ENABLE_API=true.*not encrypted/)
})

for (const word of ['TRUE', 'True', '1', 'yes', '']) {
  test(`ENABLE_API=${word} adds no API`, async () => {
    await using server = await serve(without, { env: { ...env, ENABLE_API: word, MADDY_PORT: '0' } })
    assert.throws(() => server.port('rest_api'))
  })
}

test('a block of the API stands as it is, and takes from the environment what it does not say', async () => {
  await using server = await serve(conf({ block: 'rest_api tcp://127.0.0.1:0' }), {
    env: { ...env, REQUESTS_PER_SECOND: '1', CONTENT_SECURITY_POLICY: "default-src 'none'; img-src 'self'" },
  })
  const api = new ApiClient(server.port('rest_api'))
  const reply = await api.get('/v1/users')
  succeeded(reply, 200, [])
  assert.equal(reply.headers['content-security-policy'], "default-src 'none'; img-src 'self'")
  refused(await api.get('/v1/users'), 429)
  assert.throws(() => server.port('rest_api', 1))
})

test('what the block says goes before the environment', async () => {
  await using own = await serveApi({
    env: { ADMIN_PASSWORD: 'another', ADMIN_EMAIL: 'b@b.test', USE_COOKIES: 'maybe' },
    api: 'use_cookies no',
  })
  succeeded(await own.api.get('/v1/users'), 200, [])
})

for (const missing of ['ADMIN_EMAIL', 'ADMIN_PASSWORD']) {
  test(`without ${missing} nothing starts`, async () => {
    const wanted = new RegExp(`environment variable ${missing}`)
    await assert.rejects(serve(without, { env: { ...env, [missing]: '', MADDY_PORT: '0' } }), wanted)
  })
}

for (const [what, variables, wanted] of [
  ['REQUESTS_PER_SECOND=0', { REQUESTS_PER_SECOND: '0' }, /REQUESTS_PER_SECOND: expected a number from 1/],
  ['REQUESTS_PER_SECOND=-5', { REQUESTS_PER_SECOND: '-5' }, /REQUESTS_PER_SECOND: expected a number from 1/],
  ['USE_COOKIES=maybe', { USE_COOKIES: 'maybe' }, /USE_COOKIES: expected yes or no, not maybe/],
  ['MADDY_PORT=abc', { MADDY_PORT: 'abc' }, /abc is no port/],
  ['MADDY_PORT=70000', { MADDY_PORT: '70000' }, /70000 is no port/],
  ['CORS_ALLOW_ORIGINS=a.test', { CORS_ALLOW_ORIGINS: 'a.test' }, /CORS_ALLOW_ORIGINS: expected an origin/],
  ['FQDN=a;b', { FQDN: 'a;b' }, /FQDN: .* is no domain/],
  ['CONTENT_SECURITY_POLICY with a line break', { CONTENT_SECURITY_POLICY: 'a\nb' }, /CONTENT_SECURITY_POLICY: /],
] as const) {
  test(`${what} is an error of the configuration`, async () => {
    await assert.rejects(serve(without, { env: { ...env, MADDY_PORT: '0', ...variables } }), wanted)
  })
}

test('REQUESTS_PER_SECOND=abc is passed over with a warning, and 3 is meant', async () => {
  await using server = await serve(conf({ block: 'rest_api tcp://127.0.0.1:0' }), {
    env: { ...env, REQUESTS_PER_SECOND: 'abc' },
  })
  const api = new ApiClient(server.port('rest_api'))
  const replies = await Promise.all(['/', '/', '/', '/'].map((path) => api.get(path)))
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 200, 200, 429])
  assert.match(await server.log(), /configuration warning: .*REQUESTS_PER_SECOND/)
})

test('a missing block of credentials is named, with the one that may be meant', async () => {
  const renamed = conf().replaceAll('local_authdb', 'local_authdbs')
  await assert.rejects(serve(renamed), /no block is named local_authdb; did you mean local_authdbs/)
})

test('a missing block of mailboxes is named', async () => {
  await assert.rejects(serve(conf().replaceAll('local_mailboxes', 'other')), /no block is named local_mailboxes/)
})

test('credentials that cannot be managed are an error before anything is served', async () => {
  const fixed = conf().replace(/table sql_table \{[^}]*\}/, 'table static {\nentry a@b.test bcrypt:x\n}')
  await assert.rejects(serve(fixed), /not mutable/)
})

test('a storage that cannot be managed is named', async () => {
  const dummy = `${conf().replaceAll('&local_mailboxes', '&box')}\ndummy local_mailboxes\n`
  await assert.rejects(
    serve(dummy.replace('storage.imapsql local_mailboxes', 'storage.imapsql box')),
    /local_mailboxes cannot be used here/,
  )
})

test('credentials and mailboxes are found by further names of their blocks, and by those that the block says', async () => {
  const aliased = conf()
    .replace('storage.imapsql local_mailboxes', 'storage.imapsql box local_mailboxes')
    .replace('auth.pass_table local_authdb', 'auth.pass_table local_authdb people')
    .replace('rest_api tcp://127.0.0.1:0 {', 'rest_api tcp://127.0.0.1:0 {\ncredentials &people')
  await using server = await serve(aliased)
  const api = new ApiClient(server.port('rest_api'))
  succeeded(await api.post('/v1/users', { ...ann, createMailboxes: true }), 201)
})

test('a port that is taken is an error of the start', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await assert.rejects(
    serve(conf({ block: `rest_api tcp://127.0.0.1:${port} {\nadmin_email a\nadmin_password b\n}` })),
    /cannot listen on .*in use/,
  )
  taken.close()
})

test('tls:// without certificates is an error', async () => {
  await assert.rejects(
    serve(conf({ block: 'rest_api tls://127.0.0.1:0 {\nadmin_email a\nadmin_password b\n}' })),
    /needs tls, which is off/,
  )
})

const login = Buffer.from(`${admin.email}:${admin.password}`).toString('base64')
const body = JSON.stringify(ann)
const head = `POST /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${login}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`

test('a request that has begun when the process is told to end is answered, and idle connections are closed', async () => {
  const text = `state_dir state\nruntime_dir run\n${conf({ api: 'debug yes' })}`
  await using server = await ServerProcess.fresh({ 'tsmaddy.conf': text })
  const { listeners } = await server.status()
  const port = listeners.at(-1)?.port ?? 0
  await using idle = await dial(port)
  idle.send(`GET / HTTP/1.1\r\nHost: x\r\n\r\n`)
  assert.equal(await idle.line(), 'HTTP/1.1 200 OK')
  await using client = await dial(port)
  client.send(head)
  // What the log tells of a second request comes after the first has been read by the same process.
  await new ApiClient(port).get('/version')
  await until(async () => /"path":"\/version"/.test(server.stderr()), 'the second request')
  server.signal('SIGTERM')
  await idle.rest()
  client.send(body)
  const reply = await client.rest()
  assert.match(reply, /^HTTP\/1\.1 201 Created\r\n/)
  assert.match(reply, /\r\nConnection: close\r\n/i)
  assert.equal(await server.ended(), 0)
})

test('after a reload the new password of the administrator is the one that counts', async () => {
  await using own = await serveApi()
  await own.server.reload(conf().replace(`"${admin.password}"`, 'changed'))
  refused(await own.api.get('/v1/users'), 401)
  succeeded(await own.api.get('/v1/users', { login: { ...admin, password: 'changed' } }), 200, [])
})
