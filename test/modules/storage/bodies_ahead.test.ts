import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import type { BlobStore, Context, Logger } from '../../../core/index.ts'
import { parseAddress } from '../../../core/kit/address/index.ts'
import { memoryBody } from '../../../core/kit/message/index.ts'
import type { Row } from '../../../core/kit/sql/writer/index.ts'
import { WriterError } from '../../../core/kit/sql/writer/index.ts'
import fsBlobs from '../../../modules/storage/blob/fs.ts'
import { Bodies } from '../../../modules/storage/imapsql/bodies/bodies.ts'
import { newKey, newLease } from '../../../modules/storage/imapsql/bodies/key.ts'
import { readBody } from '../../../modules/storage/imapsql/bodies/read_body.ts'
import { sweepRegularly } from '../../../modules/storage/imapsql/bodies/sweep.ts'
import type { Engine } from '../../../modules/storage/imapsql/engine.ts'
import { SqliteEngine } from '../../../modules/storage/imapsql/sqlite_engine.ts'
import { serve } from '../../support/server.ts'
import { bytes, deliver, envelope, open, select, simple } from './support.ts'

/** The parts of a storage, to be put together by hand. */
const bare = async () => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'imapsql.db')
  const folder = join(directory, 'messages')
  await mkdir(folder)
  const engine = stack.use(
    await SqliteEngine.open({ file, busyTimeout: 5000, cacheSize: 0, onEvent: () => undefined, log: quiet }),
  )
  const weights: number[] = []
  const weighing: Engine = {
    run: (name, args, weight = 0) => {
      weights.push(weight)
      return engine.run(name, args as never, weight)
    },
    query: (sql, params) => engine.query(sql, params),
    read: (queries) => engine.read(queries),
    scan: (queries) => engine.scan(queries),
    [Symbol.asyncDispose]: async () => undefined,
  }
  const held = stack.move()
  return {
    folder,
    engine: weighing,
    /** What each operation was said to weigh. */
    weights,
    files: (): BlobStore => fsBlobs.create({ root: folder, inline: undefined }, { path: (path) => path } as Context),
    bodies: (store: BlobStore | null, lease = newLease()) =>
      new Bodies(weighing, store, { compression: undefined, lease, log: quiet }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const quiet: Logger = {
  debugging: false,
  with: () => quiet,
  part: () => quiet,
  debug: () => undefined,
  info: () => undefined,
  error: () => undefined,
}

const huge = 'a line of a message that is too large for one piece\n'.repeat(200_000)

for (const compression of ['off', 'zstd', 'lz4']) {
  test(`a message of many megabytes for several accounts is stored ahead, in portions (compression ${compression})`, async () => {
    await using made = await open(`msg_store sql\ncompression ${compression}`)
    for (const name of ['b@x.org', 'c@x.org']) await made.storage.create(name, [])
    await deliver(made.storage, ['b@x.org', 'c@x.org'], simple('huge', huge))
    for (const name of ['b@x.org', 'c@x.org']) {
      await using inbox = await select(made.storage, name)
      const content = await inbox.content(1)
      const text = await bytes(content)
      assert.equal(text.length, content.size)
      assert.ok(text.startsWith(`Delivered-To: ${name}\r\n`) && text.endsWith(huge.replaceAll('\n', '\r\n')))
    }
    await made.storage.delete('b@x.org')
    await made.storage.delete('c@x.org')
    using db = new DatabaseSync(join(made.directory, 'imapsql.db'))
    for (const table of ['tsmaddy_staged', 'tsmaddy_blobs', 'extkeys']) {
      assert.deepEqual(db.prepare(`SELECT * FROM ${table}`).all(), [])
    }
  })
}

test('what goes to the writer at once has a bound, however large the bodies and however many', async () => {
  await using made = await bare()
  const bodies = made.bodies(null)
  const body = memoryBody(Buffer.alloc(20 * 1024 * 1024, 'x'))
  await bodies.keep([body, body, body], async (gather, weight) => {
    assert.equal(weight, 0)
    assert.deepEqual(
      (await gather()).map(({ inline }) => inline),
      [undefined, undefined, undefined],
    )
  })
  assert.ok(made.weights.length >= 15)
  assert.ok(made.weights.every((weight) => weight <= 4 * 1024 * 1024))
})

test('a message stored ahead that cannot be added leaves nothing', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [])
  await using delivery = await made.storage.begin(envelope())
  await delivery.recipient(parseAddress('b@x.org'))
  await delivery.message(simple('huge', huge))
  await made.storage.delete('b@x.org')
  await assert.rejects(delivery.commit(), { code: 451 })
  using db = new DatabaseSync(join(made.directory, 'imapsql.db'))
  for (const table of ['tsmaddy_staged', 'tsmaddy_blobs']) {
    assert.deepEqual(db.prepare(`SELECT * FROM ${table}`).all(), [])
  }
})

test('bodies stored ahead by a process that died are removed once they are a day old', async () => {
  const conf = (name: string) =>
    `storage.imapsql local {\n driver sqlite3\n dsn imapsql.db\n msg_store sql\n junk_mailbox ${name}\n}\nimap tcp://127.0.0.1:0 {\n tls off\n auth dummy\n storage &local\n}`
  await using server = await serve(conf('A'))
  using db = new DatabaseSync(join(server.directory, 'imapsql.db'))
  const orphan = '0'.repeat(32)
  const young = newKey(newLease())
  for (const key of [orphan, young]) {
    db.exec(`INSERT INTO tsmaddy_staged VALUES ('${key}'); INSERT INTO tsmaddy_blobs VALUES ('${key}', 0, 'x')`)
  }
  await server.reload(conf('B'))
  const left = (table: string) =>
    db
      .prepare(`SELECT id FROM ${table}`)
      .all()
      .map(({ id }) => id)
  while (left('tsmaddy_staged').length > 1) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([left('tsmaddy_staged'), left('tsmaddy_blobs')], [[young], [young]])
})

test('a body stays when it cannot be known whether its message was added, and others will look for it', async () => {
  await using made = await bare()
  const lease = newLease()
  const { id } = lease
  const store = made.files()
  const bodies = made.bodies(store, lease)
  const fails = (kind: 'full' | 'broken') =>
    bodies.keep([memoryBody(Buffer.from('x'))], async (gather) => {
      await gather()
      throw new WriterError(kind, kind)
    })
  await assert.rejects(fails('full'), { kind: 'full' })
  assert.deepEqual(await readdir(made.folder), [])
  assert.equal(lease.untidy, false)
  await assert.rejects(fails('broken'), { kind: 'broken' })
  assert.equal((await readdir(made.folder)).length, 1)
  assert.equal(lease.untidy, true)
  const sweeping = sweepRegularly(made.engine, store, lease, quiet)
  await sweeping[Symbol.asyncDispose]()
  assert.deepEqual(await made.engine.query('SELECT lease FROM tsmaddy_leases'), [[id]])
})

test('a long compressed body that ends too soon is an error to who reads it, and not a short message', async () => {
  await using made = await open('msg_store fs messages\ncompression zstd')
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'], simple('long', huge))
  const [name = ''] = await readdir(join(made.directory, 'messages'))
  await writeFile(join(made.directory, 'messages', name), zstdCompressSync(Buffer.alloc(1_200_000)))
  await using inbox = await select(made.storage, 'b@x.org')
  await assert.rejects(async () => bytes(await inbox.content(1)), { name: 'StorageError', kind: 'corrupt' })
})

test('a database that cannot be read now is not taken for a message that is corrupt', async () => {
  await using made = await bare()
  const busy = Object.assign(new Error('database is locked'), { code: 'ERR_SQLITE_ERROR', errcode: 5 })
  const engine: Engine = {
    ...made.engine,
    query: async <R extends Row>(sql: string): Promise<R[]> => {
      if (sql.includes('tsmaddy_blobs WHERE')) throw busy
      return [['a'.repeat(32), '', 300, Buffer.from('first')] as unknown as R]
    },
  }
  await assert.rejects(readBody(engine, null, 1, 1, quiet), busy)
})
