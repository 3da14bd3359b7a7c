import assert from 'node:assert/strict'
import { createServer, request } from 'node:http'
import { request as requestTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { Counters } from '../../../core/index.ts'
import { LoginGuard } from '../../../core/mail/logins.ts'
import { type AppOptions, makeApp } from '../../../modules/rest_api/app.ts'
import type { Route } from '../../../modules/rest_api/route.ts'
import { type Line, lineLogger } from '../../support/logger.ts'
import { dial, dialTls } from '../../support/wire.ts'
import { ApiClient, admin, ann, conf, refused, serveApi, succeeded } from './support.ts'

const login = Buffer.from(`${admin.email}:${admin.password}`).toString('base64')
const block = (address: string, more = '') =>
  `rest_api ${address} {\nadmin_email ${admin.email}\nadmin_password "${admin.password}"\nrequests_per_second 1000\n${more}\n}`

test('the API speaks TLS, and then tells browsers to stay with it', async () => {
  await using own = await serveApi({ block: block('tls://127.0.0.1:0', 'tls self_signed localhost') })
  const reply = await new Promise<{ status: number | undefined; hsts: string | undefined; text: string }>(
    (resolve, reject) => {
      const sent = requestTls({
        host: '127.0.0.1',
        port: own.server.port('rest_api'),
        path: '/v1/users',
        rejectUnauthorized: false,
        agent: false,
        headers: { Authorization: `Basic ${login}` },
      })
      sent.on('error', reject).on('response', (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () =>
          resolve({ status: response.statusCode, hsts: response.headers['strict-transport-security'], text }),
        )
      })
      sent.end()
    },
  )
  assert.equal(reply.status, 200)
  assert.equal(reply.text, '[]')
  assert.match(reply.hsts ?? '', /^max-age=5184000/)
})

test('a request in the very packets of the handshake is read', async () => {
  await using own = await serveApi({ block: block('tls://127.0.0.1:0', 'tls self_signed localhost') })
  for (let n = 0; n < 5; n++) {
    await using client = await dialTls(own.server.port('rest_api'))
    client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.match(await client.rest(), /^HTTP\/1\.1 200 OK\r\n.*"OK"$/s)
  }
})

test('who speaks plain HTTP to TLS is cut off, and others are served', async () => {
  await using own = await serveApi({ block: block('tls://127.0.0.1:0', 'tls self_signed localhost') })
  await using client = await dial(own.server.port('rest_api'))
  client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.rest()
  await using other = await dialTls(own.server.port('rest_api'))
  other.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  assert.match(await other.rest(), /^HTTP\/1\.1 200/)
})

test('over a Unix socket the address that a proxy names is believed', async () => {
  await using own = await serveApi({ block: block('unix://api.sock') })
  const status = await new Promise((resolve, reject) => {
    const sent = request({
      socketPath: join(own.server.directory, 'run', 'api.sock'),
      path: '/v1/users',
      agent: false,
      headers: { Authorization: `Basic ${login}`, 'X-Forwarded-For': '192.0.2.77' },
    })
    sent.on('error', reject).on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
    sent.end()
  })
  assert.equal(status, 200)
  assert.match(await own.server.log(), /"src_ip":"192\.0\.2\.77"/)
})

test('a connection is kept for further requests', async () => {
  await using own = await serveApi()
  await using client = await dial(own.server.port('rest_api'))
  for (let n = 0; n < 3; n++) {
    client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    assert.match(await client.line(), /^("OK")?HTTP\/1\.1 200 OK$/)
    for (let line = await client.line(); line !== ''; line = await client.line());
  }
})

test('what is no HTTP is answered with 400', async () => {
  await using own = await serveApi()
  await using client = await dial(own.server.port('rest_api'))
  client.send('EHLO client.example\r\n\r\n')
  assert.match(await client.rest(), /^HTTP\/1\.1 400 /)
})

test('a client that closes its side after its request is answered', async () => {
  await using own = await serveApi()
  await using client = await dial(own.server.port('rest_api'))
  client.send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  client.end()
  assert.match(await client.rest(), /^HTTP\/1\.1 200 OK\r\n/)
})

test('long answers are compressed for those who can read them', async () => {
  await using own = await serveApi()
  const plain = await own.api.get('/openapi.json')
  const packed = await own.api.get('/openapi.json', { headers: { 'Accept-Encoding': 'br, gzip' } })
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.equal(packed.headers['content-encoding'], 'gzip')
  assert.match(packed.headers.vary ?? '', /Accept-Encoding/)
  assert.ok(packed.text.length < plain.text.length / 2)
})

test('a reload in the middle of a request lets it finish', async () => {
  await using own = await serveApi()
  await using client = await dial(own.server.port('rest_api'))
  const body = JSON.stringify(ann)
  client.send(
    `POST /v1/users HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${login}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
  )
  await own.server.reload(conf())
  client.send(body)
  assert.equal(await client.line(), 'HTTP/1.1 201 Created')
  succeeded(await new ApiClient(own.server.port('rest_api')).get('/v1/users'), 200, [ann.username])
})

const broken: Route = {
  operationId: 'broken',
  method: 'get',
  path: '/v1/broken',
  summary: 'Fails',
  success: {},
  errors: [],
  handle: async () => {
    throw new TypeError('a secret of the program')
  },
}

/** The layers of the API around routes of a test. */
const layers = async (routes: readonly Route[], logins: LoginGuard, lines: Line[] = []) => {
  const options: AppOptions = {
    administrator: admin,
    requestsPerSecond: 1000,
    origins: [],
    policy: "default-src 'none'",
    fqdn: undefined,
    useCookies: false,
    trustedProxies: undefined,
    logins,
    log: lineLogger(lines),
    routes,
    version: 'test',
    services: { counters: new Counters() } as AppOptions['services'],
  }
  const server = createServer(await makeApp(options)).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return { api: new ApiClient(port), [Symbol.asyncDispose]: async () => void server.close() }
}

test('a fault of the program is a 500 that does not say which, and the next request is served', async () => {
  const lines: Line[] = []
  await using own = await layers([broken], new LoginGuard(), lines)
  const reply = await own.api.get('/v1/broken')
  refused(reply, 500)
  assert.doesNotMatch(reply.text, /secret|TypeError|\.ts/)
  assert.match(JSON.stringify(lines), /a secret of the program/)
  refused(await own.api.get('/v1/broken'), 500)
})

test('failed logins are slowed down together with those of all protocols', async () => {
  const waits: number[] = []
  const logins = new LoginGuard({ sleep: async (milliseconds) => void waits.push(milliseconds) })
  await logins.attempt('127.0.0.1', 'somebody', async () => false)
  const before = waits.length
  await using own = await layers([broken], logins)
  for (let n = 0; n < 3; n++) refused(await own.api.get('/v1/broken', { login: { ...admin, password: 'x' } }), 401)
  const ours = waits.slice(before)
  assert.ok(ours.length >= 3)
  assert.ok(Math.max(...ours) > 3000)
  await logins.attempt(null, admin.email, async () => false)
  assert.ok((waits.at(-1) ?? 0) > 3000)
})
