import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { connect } from '../../../core/kit/sql/database.ts'
import { certificate } from '../../support/certificates.ts'
import type { TestPostgres } from '../../support/postgres.ts'
import { postgres } from '../../support/postgres.ts'

let server: TestPostgres
before(async () => {
  server = await postgres()
})
after(() => server[Symbol.asyncDispose]())

const options = { path: (written: string) => written, env: {} }

test('values come back as they went in, and an integer is a number while it is exact', async () => {
  await using db = await connect('postgres', server.dsn(), options)
  const [row] = await db.query(
    'SELECT $1::text, $2::int8, $3::int8, $4::float8, $5::bool, $6::bytea, $7::text, $8::timestamptz AT TIME ZONE $9',
    ['text', 42, 9007199254740993n, 1.5, true, new Uint8Array([0, 255]), null, '2026-01-02 03:04:05Z', 'UTC'],
  )
  const expected = ['text', 42, 9007199254740993n, 1.5, true, Buffer.from([0, 255]), null, '2026-01-02 03:04:05']
  assert.deepEqual(row, expected)
})

test('a second statement is refused, and check runs nothing', async () => {
  await using db = await connect('postgres', server.dsn(await server.createDatabase()), options)
  await assert.rejects(db.query('SELECT 1; SELECT 2'), /multiple commands/)
  await assert.rejects(db.check('SELECT 1; SELECT 2', 0), /multiple commands/)
  await db.execute('CREATE TABLE t (a int); INSERT INTO t VALUES (1)')
  await db.check('DELETE FROM t WHERE a = $1', 1)
  assert.deepEqual(await db.query('SELECT a FROM t'), [[1]])
})

test('a lost connection is an error at most once, and the process goes on', async () => {
  await using db = await connect('postgres', server.dsn(), options)
  await using other = await connect('postgres', server.dsn(), options)
  const [[pid] = []] = await db.query('SELECT pg_backend_pid()')
  await other.query('SELECT pg_terminate_backend($1, 5000)', [pid ?? null])
  await db.query('SELECT 1').catch(() => undefined)
  assert.deepEqual(await db.query('SELECT 1'), [[1]])
})

test('an error in a statement does not cost the connection', async () => {
  await using db = await connect('postgres', server.dsn(), options)
  const pid = await db.query('SELECT pg_backend_pid()')
  await assert.rejects(db.query('SELECT 1/0'), /division by zero/)
  await assert.rejects(db.check('nonsense', 0), /syntax error/)
  assert.deepEqual(await db.query('SELECT pg_backend_pid()'), pid)
})

test('settings in the DSN hold for the session', async () => {
  await using db = await connect('postgres', `${server.dsn()} search_path='"a b", c' application_name=tables`, options)
  assert.deepEqual(await db.query('SHOW search_path'), [['"a b", c']])
  assert.deepEqual(await db.query('SHOW application_name'), [['tables']])
})

/** The server of somebody else has TLS, or not, as its owner likes. */
const skip = process.env.TSMADDY_TEST_POSTGRES !== undefined

test('TLS is negotiated and checked as sslmode says', { skip }, async (t) => {
  const dsn = server.dsn().replace('sslmode=disable', '')
  const connected = async (more: string) => {
    await using db = await connect('postgres', `${dsn} ${more}`, options)
    return (await db.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'))[0]?.[0]
  }
  await t.test('a server without TLS is refused by require, which is the default, and taken by prefer', async () => {
    await assert.rejects(connected(''), /does not support SSL/)
    assert.equal(await connected('sslmode=prefer'), false)
    assert.equal(await connected('sslmode=allow'), false)
  })

  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(folder, { recursive: true }))
  const authority = await certificate({ names: ['authority'], authority: true })
  const other = await certificate({ names: ['authority'], authority: true })
  await useCertificate(await certificate({ names: ['db.example'], issuer: authority }))
  await writeFile(join(folder, 'root.crt'), authority.cert)
  await writeFile(join(folder, 'other.crt'), other.cert)
  const trusted = `sslrootcert=${folder}/root.crt`
  const named = 'host=db.example hostaddr=127.0.0.1'

  await t.test('require and prefer take any certificate', async () => {
    assert.equal(await connected('sslmode=require'), true)
    assert.equal(await connected('sslmode=prefer'), true)
  })
  await t.test('require with a root certificate checks the issuer', async () => {
    assert.equal(await connected(`sslmode=require ${trusted}`), true)
    await assert.rejects(connected(`sslmode=require sslrootcert=${folder}/other.crt`), /certificate/)
  })
  await t.test('verify-ca checks the issuer and not the name', async () => {
    assert.equal(await connected(`sslmode=verify-ca ${trusted}`), true)
    await assert.rejects(connected('sslmode=verify-ca'), /certificate/)
  })
  await t.test('verify-full checks the name too, also where hostaddr leads elsewhere', async () => {
    await assert.rejects(connected(`sslmode=verify-full ${trusted}`), /does not match certificate/)
    assert.equal(await connected(`sslmode=verify-full ${trusted} ${named}`), true)
    await assert.rejects(connected(`sslmode=verify-full ${named}`), /certificate/)
  })
})

/** Has the server itself write the files, since it takes a key only from a file of its own that nobody else can read. */
const useCertificate = async ({ cert, key }: { readonly cert: string; readonly key: string }): Promise<void> => {
  await using db = await connect('postgres', server.dsn(), options)
  for (const [name, pem] of [
    ['cert', cert],
    ['key', key],
  ] as const) {
    const lines = `SELECT unnest(string_to_array('${pem.trim()}', chr(10)))`
    await db.execute(`COPY (${lines}) TO PROGRAM 'umask 077; cat > test-${name}.pem'`)
    await db.execute(`ALTER SYSTEM SET ssl_${name}_file = 'test-${name}.pem'`)
  }
  await db.execute('ALTER SYSTEM SET ssl = on')
  await db.query('SELECT pg_reload_conf()')
  for (;;) {
    await using fresh = await connect('postgres', server.dsn(), options) // a new session has the settings in force
    if ((await fresh.query('SHOW ssl'))[0]?.[0] === 'on') return
  }
}
