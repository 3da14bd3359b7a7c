import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { WriterOptions } from '../../../core/kit/sql/writer/index.ts'
import { SqliteReader, SqlWriter, WriterError } from '../../../core/kit/sql/writer/index.ts'
import type * as operations from './operations.ts'

const open = async (options: Partial<WriterOptions> = {}) => {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const file = join(directory, 'test.db')
  const url = new URL('./operations.ts', import.meta.url)
  const writer = stack.use(await SqlWriter.open<typeof operations>({ file, operations: url, ...options }))
  await writer.run('setUp', undefined as never)
  const reader = stack.use(new SqliteReader(file))
  const held = stack.move()
  return { file, writer, reader, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const failure = async (work: Promise<unknown>): Promise<WriterError> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof WriterError, String(error))
  return error
}

test('an operation is on stable storage, and visible to readers, when its promise resolves', async () => {
  await using db = await open()
  await db.writer.run('add', { text: 'one' })
  assert.deepEqual(await db.reader.query('SELECT text FROM t'), [['one']])
})

test('an operation that throws is undone alone; those beside it in the transaction stay', async () => {
  await using db = await open()
  const outcomes = await Promise.allSettled([
    db.writer.run('add', { text: 'a' }),
    db.writer.run('addAndFail', { text: 'b' }),
    db.writer.run('add', { text: 'c' }),
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(await db.reader.query('SELECT text FROM t ORDER BY id'), [['a'], ['c']])
})

test('arguments that cannot go to another thread are refused alone', async () => {
  await using db = await open()
  const [good, bad] = [
    db.writer.run('add', { text: 'a' }),
    failure(db.writer.run('add', { text: (() => {}) as never })),
  ]
  await good
  assert.deepEqual([(await bad).kind, (await bad).message], ['refused', 'the arguments of add cannot be written'])
  assert.deepEqual(await db.reader.query('SELECT text FROM t'), [['a']])
})

test('what an operation throws comes back with its name and its fields', async () => {
  await using db = await open()
  const error = await failure(db.writer.run('addAndFail', { text: 'b' }))
  assert.deepEqual(
    [error.kind, error.message, error.thrown.name, error.thrown.fields.kind],
    ['refused', 'changed my mind', 'Refusal', 'name'],
  )
})

test('a constraint that is violated is a conflict', async () => {
  await using db = await open()
  await db.writer.run('add', { text: 'a' })
  assert.equal((await failure(db.writer.run('add', { text: 'a' }))).kind, 'conflict')
})

test('events come in the order of the commits, before the promise resolves, and none for what failed', async () => {
  const events: unknown[] = []
  await using db = await open({ onEvent: (event) => events.push(event) })
  const seen: unknown[][] = []
  await Promise.allSettled(
    ['a', 'b', 'c'].map(async (text) => {
      await db.writer.run(text === 'b' ? 'addAndFail' : 'add', { text })
      seen.push([...events])
    }),
  )
  assert.deepEqual(events, ['a', 'c'])
  assert.ok(seen.every((list, index) => list.includes(['a', 'c'][index])))
})

test('a parameter may be used twice and out of order', async () => {
  await using db = await open()
  assert.deepEqual(await db.writer.run('twice', { value: 'x' }), [['x', 'first', 'x']])
})

test('a thousand operations at once are all carried out', async () => {
  await using db = await open({ queueOperations: 50 })
  await Promise.all(Array.from({ length: 1000 }, (_, n) => db.writer.run('add', { text: `t${n}` })))
  assert.deepEqual(await db.reader.query('SELECT count(*), count(DISTINCT text) FROM t'), [[1000, 1000]])
})

test('arguments are gathered only when there is room for their weight', async () => {
  await using db = await open({ queueBytes: 1000 })
  await using stack = new AsyncDisposableStack()
  const other = stack.adopt(new DatabaseSync(db.file), (connection) => connection.close())
  other.exec('BEGIN IMMEDIATE') // so that nothing can finish
  let gathered = 0
  const work = Array.from({ length: 20 }, () =>
    db.writer.run(
      'sizeOf',
      async () => {
        gathered++
        return { bytes: new Uint8Array(400) }
      },
      { bytes: 400 },
    ),
  )
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(gathered, 2)
  other.exec('ROLLBACK')
  await Promise.all(work)
  assert.equal(gathered, 20)
})

test('what weighs more than the whole queue goes in alone', async () => {
  await using db = await open({ queueBytes: 10 })
  assert.equal(await db.writer.run('sizeOf', { bytes: new Uint8Array(100) }, { bytes: 100 }), 100)
})

test('a full disk fails the operation that met it as full; a smaller one after it succeeds', async () => {
  await using db = await open({ pragmas: { max_page_count: 40 } })
  const [large, small] = await Promise.allSettled([
    db.writer.run('fill', { bytes: 400_000 }),
    db.writer.run('add', { text: 'small' }),
  ])
  assert.ok(large.status === 'rejected' && large.reason instanceof WriterError && large.reason.kind === 'full')
  assert.equal(small.status, 'fulfilled')
  assert.deepEqual(await db.reader.query('SELECT text FROM t'), [['small']])
})

test('a database that another connection keeps to itself fails as busy, and works again afterwards', async () => {
  await using db = await open({ busyTimeout: 1 })
  const other = new DatabaseSync(db.file)
  other.exec('BEGIN IMMEDIATE')
  assert.equal((await failure(db.writer.run('add', { text: 'a' }))).kind, 'busy')
  other.exec('ROLLBACK')
  other.close()
  await db.writer.run('add', { text: 'a' })
})

test('a lock that is given up in time is waited for', async () => {
  await using db = await open({ busyTimeout: 5000 })
  const other = new DatabaseSync(db.file)
  other.exec('BEGIN IMMEDIATE')
  const added = db.writer.run('add', { text: 'a' })
  setTimeout(() => other.exec('COMMIT'), 20)
  assert.equal(await added, 1)
  other.close()
})

test('a thread that dies fails what was under way, and another one takes its place', async () => {
  await using db = await open()
  assert.equal((await failure(db.writer.run('crash', undefined as never))).kind, 'broken')
  await db.writer.run('add', { text: 'after' })
  assert.deepEqual(await db.reader.query('SELECT text FROM t'), [['after']])
})

test('a writer that has been disposed of did all it was asked before, and takes nothing more', async () => {
  await using db = await open()
  const added = Array.from({ length: 100 }, (_, n) => db.writer.run('add', { text: `t${n}` }))
  await Promise.all([db.writer[Symbol.asyncDispose](), Promise.all(added)])
  assert.equal((await failure(db.writer.run('add', { text: 'late' }))).kind, 'closed')
})

test('a database that cannot be opened is told at once', async () => {
  const url = new URL('./operations.ts', import.meta.url)
  await assert.rejects(SqlWriter.open({ file: '/nonexistent/folder/x.db', operations: url }), /unable to open/)
})

test('a process killed in the middle of writing loses nothing that was acknowledged', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    const file = join(directory, 'test.db')
    const script = new URL('./write_for_ever.ts', import.meta.url)
    const child = spawn(process.execPath, [script.pathname, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const chunk of child.stdout) {
      said += String(chunk)
      if (said.length > 3000) break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    const acknowledged = said.split('\n').slice(0, -1)
    assert.ok(acknowledged.length > 100)
    using reader = new SqliteReader(file)
    const kept = new Set((await reader.query<[string]>('SELECT text FROM t')).map(([text]) => text))
    assert.deepEqual(
      acknowledged.filter((text) => !kept.has(text)),
      [],
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
