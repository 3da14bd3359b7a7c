import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { openApi, templateOf } from '../../../modules/rest_api/openapi.ts'
import { routes } from '../../../modules/rest_api/routes/index.ts'
import { schemas } from '../../../modules/rest_api/schemas.ts'
import { dial } from '../../support/wire.ts'
import { ann, type Reply, serveApi } from './support.ts'

const document = openApi(routes, '1.2.3')

/** Checks a value against a schema of the document. */
const conforms = (name: string, value: unknown): void => {
  const ajv = new Ajv2020({ strict: true, allErrors: true })
  for (const format of ['int64', 'email', 'password', 'date-time']) ajv.addFormat(format, true)
  ajv.addKeyword('components')
  ajv.addSchema({ components: { schemas } }, 'api')
  const validate = ajv.getSchema(`api#/components/schemas/${name}`)
  assert.ok(validate)
  assert.ok(validate(value), `${name}: ${JSON.stringify(validate.errors)} in ${JSON.stringify(value)}`)
}

test('every operation of the document of the API is there, with the methods and paths that it names', () => {
  const wanted = [
    'GET /',
    'GET /version',
    'POST /v1/users',
    'GET /v1/users',
    'GET /v1/users/{id}',
    'POST /v1/users/{id}/password',
    'DELETE /v1/users/{id}',
    'POST /v1/users/{id}/mailboxes',
    'DELETE /v1/users/{id}/mailboxes',
    'GET /v1/users/{id}/quota',
    'PUT /v1/users/{id}/quota',
    'DELETE /v1/users/{id}/quota',
    'GET /v1/domains/{domain}/quota',
    'PUT /v1/domains/{domain}/quota',
    'GET /v1/stats',
  ]
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  for (const operation of wanted) assert.ok(described.includes(operation), operation)
})

test('every route is documented, under a name of its own', () => {
  const names = routes.map(({ operationId }) => operationId)
  assert.equal(new Set(names).size, names.length)
  for (const { path, method, operationId } of routes) {
    assert.equal(document.paths[templateOf(path)]?.[method]?.operationId, operationId)
  }
})

test('every schema compiles, and every reference leads to one', () => {
  for (const name of Object.keys(schemas)) {
    const ajv = new Ajv2020({ strict: true })
    for (const format of ['int64', 'email', 'password', 'date-time']) ajv.addFormat(format, true)
    ajv.addKeyword('components')
    ajv.addSchema({ components: { schemas } }, 'api')
    assert.doesNotThrow(() => ajv.getSchema(`api#/components/schemas/${name}`), name)
  }
  for (const [, name = ''] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
    assert.ok(Object.hasOwn(schemas, name), name)
  }
})

test('parameters of paths, bodies, security and answers are all described', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const parameters = (operation.parameters ?? []) as readonly { name: string; in: string; required?: boolean }[]
      const inPath = parameters.filter((each) => each.in === 'path')
      assert.deepEqual(
        inPath.map(({ name }) => name),
        [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      )
      assert.ok(inPath.every(({ required }) => required))
      assert.ok(Object.keys(operation.responses).some((status) => /^2/.test(status)))
      assert.ok(Object.hasOwn(operation.responses, '429'))
      assert.equal(operation.security.length > 0, Object.hasOwn(operation.responses, '401'))
      if (path.startsWith('/v1')) assert.deepEqual(operation.security, [{ adminBasic: [] }])
      if (method === 'get' || method === 'delete') assert.equal(operation.requestBody, undefined)
    }
  }
})

test('the document is served as it is, without a login', async () => {
  await using own = await serveApi()
  const reply = await own.api.get('/openapi.json', { login: null })
  assert.match(reply.headers['content-type'] ?? '', /^application\/json/)
  const { openapi, paths } = reply.json as typeof document
  assert.equal(openapi, '3.1.0')
  assert.deepEqual(paths, JSON.parse(JSON.stringify(document.paths)))
})

test('what the API answers is what its document says', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  const errors: Reply[] = [
    await own.api.post('/v1/users', {}),
    await own.api.get('/v1/users', { login: null }),
    await own.api.get('/nothing'),
  ]
  for (const { json } of errors) conforms('Error', json)
  conforms('User', (await own.api.get(`/v1/users/${ann.username}`)).json)
  conforms('UserQuota', (await own.api.get(`/v1/users/${ann.username}/quota`)).json)
  conforms('DomainQuota', (await own.api.get('/v1/domains/site.test/quota')).json)
  conforms('Stats', (await own.api.get('/v1/stats')).json)
  conforms('Health', (await own.api.get('/health')).json)
})

interface Stats {
  readonly sessions: Readonly<Record<string, number>>
  readonly transactions: readonly { readonly module: string; readonly started: number; readonly completed: number }[]
  readonly deliveries: number
  readonly rejects: {
    readonly total: number
    readonly byReply: readonly { readonly code: string; readonly count: number }[]
  }
}

test('the counters tell of sessions, deliveries and refusals', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  await using client = await dial(own.server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<sender@example.org>', '250 *')
  for (const name of ['x', 'y']) await client.command(`RCPT TO:<${name}@site.test>`, '501 *')
  await client.command(`RCPT TO:<${ann.username}>`, '250 *')
  await client.command('DATA', '354 *')
  await client.command('Subject: x\r\n\r\n.', '250 *')
  const stats = (await own.api.get('/v1/stats')).json as Stats
  conforms('Stats', stats)
  assert.equal(stats.sessions.smtp, 1)
  assert.equal(stats.deliveries, 1)
  assert.deepEqual(
    stats.transactions.map(({ module, started, completed }) => [module, started, completed]),
    [['smtp', 1, 1]],
  )
  assert.equal(stats.rejects.total, 2)
  assert.deepEqual(
    stats.rejects.byReply.map(({ code, count }) => [code, count]),
    [['501', 2]],
  )
})

test('the deep health check fails with what it looks at', async () => {
  await using own = await serveApi()
  assert.equal((await own.api.get('/health')).status, 200)
  const { DatabaseSync } = await import('node:sqlite')
  const db = new DatabaseSync(`${own.server.directory}/credentials.db`)
  db.exec('DROP TABLE passwords')
  db.close()
  const reply = await own.api.get('/health')
  assert.equal(reply.status, 503)
  assert.deepEqual(reply.json, { status: 'failing', credentials: 'failing', storage: 'ok' })
  assert.equal((await own.api.get('/', { login: null })).status, 200)
})
