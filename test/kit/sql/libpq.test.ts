import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseDsn, sessionOptions } from '../../../core/kit/sql/libpq.ts'
import { postgresOptions } from '../../../core/kit/sql/postgres_options.ts'

const parsed = (dsn: string) => Object.fromEntries(parseDsn(dsn))

for (const [dsn, parameters] of [
  ['host=db user=maddy', { host: 'db', user: 'maddy' }],
  ['  host = db   port=5433 ', { host: 'db', port: '5433' }],
  [`password='it\\'s a \\\\ secret' user=x`, { password: `it's a \\ secret`, user: 'x' }],
  ['password=a\\ b user=x', { password: 'a b', user: 'x' }],
  [`password='' user=x`, { password: '', user: 'x' }],
  ['host= user=x', { host: 'user=x' }],
  ['', {}],
  [
    'postgres://u:p%40ss@db:5433/mail?sslmode=disable',
    { host: 'db', port: '5433', user: 'u', password: 'p@ss', dbname: 'mail', sslmode: 'disable' },
  ],
  ['postgresql:///mail?host=/run/postgresql', { dbname: 'mail', host: '/run/postgresql' }],
  ['postgres://%2Frun%2Fpostgresql/mail', { host: '/run/postgresql', dbname: 'mail' }],
  ['postgres://[::1]:5432', { host: '::1', port: '5432' }],
  ['postgres://db/mail?ssl=true', { host: 'db', dbname: 'mail', sslmode: 'require' }],
] as const) {
  test(`the DSN ${JSON.stringify(dsn)} is read as PostgreSQL reads it`, () => assert.deepEqual(parsed(dsn), parameters))
}

for (const [dsn, reason] of [
  ['host=db mail', /cannot be read from "mail" on/],
  [`password='open`, /cannot be read from "password" on/],
  ['host=a,b', /host names several servers/],
  ['postgres://a,b/mail', /host names several servers/],
  ['postgres://%zz/', /host in the DSN has a %/],
  ['service=mail', /service files are not supported/],
] as const) {
  test(`the DSN ${dsn} is refused`, () => assert.throws(() => parseDsn(dsn), reason))
}

test('a DSN that cannot be read does not show its password in the error', () => {
  assert.throws(
    () => parseDsn(`password='hunter2`),
    (error: Error) => !error.message.includes('hunter2'),
  )
})

test('a parameter that is none of the client is a setting of the session', () => {
  const parameters = parseDsn(`host=db search_path='a, b' options='-c geqo=off' statement_timeout=5000`)
  assert.equal(sessionOptions(parameters), '-c geqo=off -c search_path=a,\\ b -c statement_timeout=5000')
})

const options = (dsn: string, env: Readonly<Record<string, string>> = {}) =>
  postgresOptions(dsn, { path: (written) => written, env })

test('what the DSN leaves out comes from the environment', async () => {
  const { shared } = await options('user=x', {
    PGHOST: 'db',
    PGPORT: '5433',
    PGUSER: 'y',
    PGDATABASE: 'mail',
    PGPASSWORD: 's',
  })
  const { host, port, user, database, password } = shared
  assert.deepEqual([host, port, user, database, password], ['db', 5433, 'x', 'mail', 's'])
})

test('the database is by default called like the user', async () => {
  assert.equal((await options('user=x')).shared.database, 'x')
})

test('a host that begins with a slash is the folder of a socket, which takes no TLS', async () => {
  const { shared, attempts, place } = await options('host=/run/pg user=x sslmode=verify-full')
  assert.deepEqual([shared.host, attempts, place], ['/run/pg', [false], '/run/pg/.s.PGSQL.5432'])
})

for (const [mode, kinds] of [
  ['disable', ['plain']],
  ['allow', ['plain', 'unchecked']],
  ['prefer', ['unchecked', 'plain']],
  ['require', ['unchecked']],
  ['verify-ca', ['checked for its issuer']],
  ['verify-full', ['checked']],
] as const) {
  test(`sslmode ${mode} connects ${kinds.join(', then ')}`, async () => {
    const { attempts } = await options(`host=db sslmode=${mode}`)
    const found = attempts.map((tls) => {
      if (tls === false) return 'plain'
      if (tls.rejectUnauthorized === false) return 'unchecked'
      return tls.checkServerIdentity ? 'checked for its issuer' : 'checked'
    })
    assert.deepEqual(found, kinds)
  })
}

test('TLS is required when the DSN does not say', async () => {
  assert.equal((await options('host=db')).attempts.length, 1)
  assert.notEqual((await options('host=db')).attempts[0], false)
})

test('a root certificate makes require check the issuer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  await using stack = new AsyncDisposableStack()
  stack.defer(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'root.crt'), 'a certificate')
  const { attempts } = await options(`host=db sslmode=require sslrootcert=${folder}/root.crt`)
  const [tls] = attempts
  assert.ok(tls)
  assert.deepEqual([tls.rejectUnauthorized, String(tls.ca)], [true, 'a certificate'])
})

test('values that make no sense are refused', async () => {
  await assert.rejects(options('sslmode=maybe'), /sslmode in the DSN is one of/)
  await assert.rejects(options('port=x'), /port in the DSN should be a whole number/)
  await assert.rejects(options('port=70000'), /from 1 to 65535/)
})

test('a connection is given up after connect_timeout seconds, and never waited for without end', async () => {
  assert.equal((await options('connect_timeout=3')).shared.connectionTimeoutMillis, 3000)
  assert.equal((await options('connect_timeout=0')).shared.connectionTimeoutMillis, 60_000)
})
