import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlobStore } from '../../../core/index.ts'
import { until } from '../../support/process.ts'
import { type Asked, type Fault, s3Store, type TestS3 } from '../../support/s3.ts'
import { instance } from '../../support/server.ts'

const megabyte = 1024 * 1024

const open = async (...directives: string[]) => {
  await using stack = new AsyncDisposableStack()
  const s3 = stack.use(await s3Store())
  const made = stack.use(await instance(BlobStore, `storage.blob.s3 blobs {\n${s3.conf(...directives)}\n}`))
  const held = stack.move()
  return { s3, store: made.api, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const key = '0123456789abcdef'.repeat(2)

const read = async (store: BlobStore): Promise<string> =>
  Buffer.concat(await Array.fromAsync(store.get(key))).toString()

/** That fault for the first requests of that kind, as many as there are faults in the list. */
const first = (s3: TestS3, wanted: (asked: Asked) => boolean, ...faults: Fault[]): void => {
  s3.fault = (asked) => (wanted(asked) ? faults.shift() : undefined)
}

const isPut = ({ method }: Asked): boolean => method === 'PUT'
const isGet = ({ method, key }: Asked): boolean => method === 'GET' && key !== ''

const passing: readonly (readonly [string, Fault])[] = [
  ['answers 500', { status: 500, code: 'InternalError' }],
  ['asks to slow down', { status: 503, code: 'SlowDown' }],
  ['resets the connection', 'reset'],
  ['does not answer', 'hang'],
]

for (const [what, fault] of passing) {
  const slow = typeof fault === 'object' && 'status' in fault && fault.status === 503
  test(`a store that ${what} is asked again`, async () => {
    await using made = await open('request_timeout 500ms')
    first(made.s3, isPut, fault, fault)
    await made.store.put(key, Buffer.from('content'))
    if (slow) return // so is the SDK then
    first(made.s3, isGet, fault, fault)
    assert.equal(await read(made.store), 'content')
    first(made.s3, ({ method }) => method === 'DELETE', fault)
    await made.store.delete([key])
    assert.deepEqual(await made.s3.keys(), [])
  })

  if (slow) continue
  test(`a store that ${what} for good is unavailable, and is in use again afterwards`, async () => {
    await using made = await open('request_timeout 400ms')
    await made.store.put(key, Buffer.from('content'))
    made.s3.fault = () => fault
    const unavailable = { name: 'BlobUnavailable', code: 'EIO' }
    await assert.rejects(made.store.put('1'.repeat(32), Buffer.from('x')), unavailable)
    await assert.rejects(read(made.store), unavailable)
    await assert.rejects(made.store.delete([key]), unavailable)
    await assert.rejects(made.store.delete([key, '1'.repeat(32)]), unavailable)
    await assert.rejects(Array.fromAsync(made.store.list()), unavailable)
    made.s3.fault = () => undefined
    assert.equal(await read(made.store), 'content')
    await made.store.put('1'.repeat(32), Buffer.from('x'))
  })
}

test('a store that refuses is unavailable at once, and the reason is told', async () => {
  await using made = await open()
  await made.store.put(key, Buffer.from('content'))
  made.s3.fault = () => ({ status: 403, code: 'AccessDenied' })
  made.s3.asked.length = 0
  const refused = { name: 'BlobUnavailable', code: 'EIO', message: /AccessDenied: told to say so \(HTTP 403\)/ }
  await assert.rejects(made.store.put(key, Buffer.from('x')), refused)
  await assert.rejects(read(made.store), refused)
  await assert.rejects(made.store.delete([key]), refused)
  assert.equal(made.s3.asked.length, 3)
})

test('a store without room says so as a full disk would', async () => {
  await using made = await open()
  made.s3.fault = () => ({ status: 507, code: 'XMinioStorageFull' })
  await assert.rejects(made.store.put(key, Buffer.from('x')), { name: 'BlobUnavailable', code: 'ENOSPC' })
})

test('that the bucket is gone says nothing of a blob', async () => {
  await using made = await open()
  made.s3.fault = () => ({ status: 404, code: 'NoSuchBucket' })
  await assert.rejects(read(made.store), { name: 'BlobUnavailable', message: /NoSuchBucket/ })
})

test('a blob whose acknowledgement is lost is put again, and is there once', async () => {
  await using made = await open()
  first(made.s3, isPut, 'deaf')
  await made.store.put(key, Buffer.from('content'))
  assert.deepEqual(await made.s3.keys(), [key])
  assert.equal(await read(made.store), 'content')
})

test('an answer that is cut off is gone on with where it ended', async () => {
  await using made = await open()
  const content = Buffer.from(Array.from({ length: 100_000 }, (_, n) => n.toString(36)).join(' '))
  await made.store.put(key, content)
  first(made.s3, isGet, { cut: 100_000 }, { cut: 50_000 }, { cut: 0 })
  assert.equal(await read(made.store), content.toString())
  const ranges = made.s3.asked.filter(isGet).map(({ headers }) => headers.range)
  assert.deepEqual(ranges, [undefined, 'bytes=100000-', 'bytes=150000-', 'bytes=150000-'])
  first(made.s3, isGet, { cut: 10 })
  const part = Buffer.concat(await Array.fromAsync(made.store.get(key, 1000, 500)))
  assert.equal(part.toString(), content.subarray(1000, 1500).toString())
})

test('an answer that is cut off again and again is an outage, and not a short blob', async () => {
  await using made = await open()
  await made.store.put(key, Buffer.alloc(1000))
  made.s3.fault = (asked) => (isGet(asked) ? { cut: 0 } : undefined)
  await assert.rejects(read(made.store), { name: 'BlobUnavailable' })
})

test('a reader that takes its time gets the rest, though the connection has been closed meanwhile', async () => {
  await using made = await open('request_timeout 1500ms')
  await made.store.put(key, Buffer.alloc(40 * megabyte, 'x'))
  let length = 0
  for await (const chunk of made.store.get(key)) {
    if (length === 0) await until(async () => made.s3.unsent() === 0, 'the end of the connection')
    length += chunk.length
  }
  assert.equal(length, 40 * megabyte)
  assert.ok(made.s3.asked.filter(isGet).length > 1)
})

test('an upload whose end is acknowledged to nobody has not failed', async () => {
  await using made = await open()
  first(made.s3, ({ method, query }) => method === 'POST' && query.has('uploadId'), 'deaf')
  await made.store.put(key, Buffer.alloc(6 * megabyte, 'x'))
  assert.equal((await read(made.store)).length, 6 * megabyte)
})

test('a part that fails is sent again', async () => {
  await using made = await open()
  first(made.s3, ({ query }) => query.get('partNumber') === '2', { status: 500, code: 'InternalError' }, 'reset')
  await made.store.put(key, Buffer.alloc(12 * megabyte, 'x'))
  assert.equal((await read(made.store)).length, 12 * megabyte)
})

test('when a part cannot be sent, nothing is left', async () => {
  await using made = await open()
  made.s3.fault = ({ query }) => (query.get('partNumber') === '2' ? { status: 403, code: 'AccessDenied' } : undefined)
  await assert.rejects(made.store.put(key, Buffer.alloc(12 * megabyte)), { name: 'BlobUnavailable' })
  assert.deepEqual([await made.s3.keys(), made.s3.unfinished.size], [[], 0])
})

for (const whole of [1, 8]) {
  test(`when the content fails after ${whole} MB, its error is told and nothing is left`, async () => {
    await using made = await open()
    const content = async function* () {
      for (let n = 0; n < whole; n++) yield Buffer.alloc(megabyte)
      throw new RangeError('broken source')
    }
    await assert.rejects(made.store.put(key, content()), { name: 'RangeError', message: 'broken source' })
    assert.deepEqual([await made.s3.keys(), made.s3.unfinished.size], [[], 0])
  })
}

test('what others left unfinished a day ago is given up at the start', async () => {
  await using s3 = await s3Store()
  const conf = `storage.blob.s3 blobs {\n${s3.conf('object_prefix p/')}\n}`
  const day = 24 * 60 * 60 * 1000
  s3.unfinished.set('old', { key: `p/${key}`, begun: new Date(Date.now() - 2 * day) })
  s3.unfinished.set('young', { key: `p/${key}`, begun: new Date(Date.now() - day / 2) })
  s3.unfinished.set('foreign', { key: 'p/backup.tar', begun: new Date(0) })
  await using _made = await instance(BlobStore, conf)
  while (s3.unfinished.has('old')) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([...s3.unfinished.keys()], ['young', 'foreign'])
})

test('what goes on ends when the store is closed', async () => {
  const made = await open()
  made.s3.fault = (asked) => (isPut(asked) || isGet(asked) ? 'hang' : undefined)
  const ends = [
    assert.rejects(made.store.put(key, Buffer.from('x')), { name: 'BlobUnavailable' }),
    assert.rejects(made.store.put(key, Buffer.alloc(6 * megabyte)), { name: 'BlobUnavailable' }),
    assert.rejects(read(made.store), { name: 'BlobUnavailable' }),
  ]
  while (made.s3.asked.filter(({ key: object }) => object === key).length < 3) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  await made[Symbol.asyncDispose]()
  await Promise.all(ends)
})
