import assert from 'node:assert/strict'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Users } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import { ApiClient, type ApiServer, admin, ann, conf, refused, serveApi, succeeded } from './support.ts'

/** A group that signs for all domains that turn up. */
const signing = (inGroup: string) => `
table.sql_table domains {
  driver sqlite3
  dsn domains.db
  table_name domains
}
modifiers signing {
  ${inGroup}
}
submission tcp://127.0.0.1:0 {
  auth &local_authdb
  modify &signing
  deliver_to &local_mailboxes
}`

const dkim = 'dkim example.test default {\nnewkey_algo ed25519\ndomain_table &domains\n}'
const shape = { api: 'dkim &signing', more: signing(dkim) }

const keys = async ({ server }: Pick<ApiServer, 'server'>): Promise<readonly string[]> =>
  (await readdir(join(server.directory, 'dkim_keys'))).filter((name) => name.endsWith('.key')).toSorted()

test('with its first user a domain has a signing key, whose record is in the log', async () => {
  await using own = await serveApi(shape)
  assert.deepEqual(await keys(own), ['example.test_default.key'])
  succeeded(await own.api.post('/v1/users', ann), 201)
  assert.deepEqual(await keys(own), ['example.test_default.key', 'site.test_default.key'])
  const log = await own.server.log()
  assert.match(log, /generated a new DKIM key.*"dns_name":"default\._domainkey\.site\.test"/)
  const record = await readFile(join(own.server.directory, 'dkim_keys', 'site.test_default.dns'), 'utf8')
  assert.match(record, /^v=DKIM1; k=ed25519; p=/)
})

test('a domain that ends like another is a new one', async () => {
  await using own = await serveApi(shape)
  const users = await own.server.find('local_authdb', Users)
  await users.create('x@ab.org', 'x')
  succeeded(await own.api.post('/v1/users', { username: 'y@b.org', password: 'x' }), 201)
  assert.ok((await keys(own)).includes('b.org_default.key'))
})

test('the second user of a domain changes nothing about its key', async () => {
  await using own = await serveApi(shape)
  await own.api.post('/v1/users', ann)
  const path = join(own.server.directory, 'dkim_keys', 'site.test_default.key')
  const before = await readFile(path, 'utf8')
  await own.api.post('/v1/users', { ...ann, username: 'ben@site.test' })
  assert.equal(await readFile(path, 'utf8'), before)
})

test('many first users of one domain at once have one key', async () => {
  await using own = await serveApi(shape)
  const replies = await Promise.all(
    Array.from({ length: 5 }, (_, n) => own.api.post('/v1/users', { username: `u${n}@site.test`, password: 'x' })),
  )
  assert.deepEqual(
    replies.map(({ status }) => status),
    [201, 201, 201, 201, 201],
  )
  assert.equal((await own.server.log()).match(/generated a new DKIM key.*site\.test/g)?.length, 1)
})

test('when the key cannot be made, neither user nor mailboxes remain', async () => {
  await using own = await serveApi(shape)
  await mkdir(join(own.server.directory, 'dkim_keys', 'site.test_default.key')) // where the key should go
  refused(await own.api.post('/v1/users', { ...ann, createMailboxes: true }), 503)
  succeeded(await own.api.get('/v1/users'), 200, [])
  refused(await own.api.get(`/v1/users/${ann.username}/quota`), 404, { empty: true })
})

test('a group of modifiers without DKIM makes no key, and is no mistake', async () => {
  await using own = await serveApi({
    api: 'dkim &signing',
    more: signing('replace_sender static {\nentry a@site.test b@site.test\n}').replace(
      /table\.sql_table domains \{[^}]*\}/,
      '',
    ),
  })
  succeeded(await own.api.post('/v1/users', ann), 201)
})

test('the API that the environment asks for takes the first group of modifiers with DKIM', async () => {
  const text = conf({ block: '', more: signing(dkim) })
  const env = { ENABLE_API: 'true', ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: admin.password, MADDY_PORT: '0' }
  await using server = await serve(text, { env })
  succeeded(await new ApiClient(server.port('rest_api')).post('/v1/users', ann), 201)
  assert.ok((await keys({ server })).includes('site.test_default.key'))
})
