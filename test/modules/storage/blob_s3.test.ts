import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlobStore } from '../../../core/index.ts'
import { until } from '../../support/process.ts'
import { s3Store } from '../../support/s3.ts'
import { instance } from '../../support/server.ts'

const megabyte = 1024 * 1024
/** What the store takes in one piece; of more the pieces but for the last have this size. */
const part = 5 * megabyte

const open = async (...directives: string[]) => {
  await using stack = new AsyncDisposableStack()
  const s3 = stack.use(await s3Store())
  const made = stack.use(await instance(BlobStore, `storage.blob.s3 blobs {\n${s3.conf(...directives)}\n}`))
  const held = stack.move()
  return { s3, store: made.api, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const key = '0123456789abcdef'.repeat(2)

const keyOf = (n: number): string => n.toString(16).padStart(32, '0')

/** Bytes of which no two stretches are alike. */
const noise = (size: number): Buffer => {
  const bytes = Buffer.allocUnsafe(size)
  let state = 1
  for (let at = 0; at + 4 <= size; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes.writeInt32LE(state, at)
  }
  return bytes.fill(7, size - (size % 4))
}

async function* stream(bytes: Uint8Array, chunk = 64 * 1024): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
}

const read = async (store: BlobStore, ...range: [start?: number, length?: number]): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(store.get(key, ...range)))

for (const size of [0, 1, 100_000, part, part + 1, 20 * megabyte]) {
  test(`a blob of ${size} bytes is read as it was put, in one piece or as a stream`, async () => {
    await using made = await open()
    const bytes = noise(size)
    await made.store.put(key, bytes, size)
    assert.ok((await read(made.store)).equals(bytes))
    await made.store.put(key, stream(bytes))
    assert.ok((await read(made.store)).equals(bytes))
    assert.equal(made.s3.unfinished.size, 0)
  })
}

test('a part of a blob is read without the rest', async () => {
  await using made = await open()
  await made.store.put(key, Buffer.from('some content'))
  const ranges: [number?, number?][] = [[5], [5, 3], [0, 4], [11, 2], [12], [12, 2], [50, 1], [2, 0]]
  const parts = await Promise.all(ranges.map((range) => read(made.store, ...range)))
  assert.deepEqual(parts.map(String), ['content', 'con', 'some', 't', '', '', '', ''])
  assert.ok(made.s3.asked.some(({ headers }) => headers.range === 'bytes=5-7'))
})

test('objects are named by the prefix and the key, and others are no blobs', async () => {
  await using made = await open('object_prefix "mail of x/"')
  await made.store.put(key, Buffer.from('x'))
  for (const other of [keyOf(1), `mail%20of%20x/README`, `mail%20of%20x/${keyOf(2)}0`]) await made.s3.put(other, 'y')
  assert.ok((await made.s3.keys()).includes(`mail of x/${key}`))
  const listed = await Array.fromAsync(made.store.list())
  assert.deepEqual(
    listed.map((blob) => blob.key),
    [key],
  )
  const age = Date.now() - (listed[0]?.modified.getTime() ?? 0)
  assert.ok(age > -2000 && age < 60_000)
  assert.equal(String(await read(made.store)), 'x')
  await made.store.delete([key])
  assert.ok(!(await made.s3.keys()).includes(`mail of x/${key}`))
})

test('thousands of blobs are listed page by page, and deleted a thousand at a time', async () => {
  await using made = await open()
  const keys = Array.from({ length: 2100 }, (_, n) => keyOf(n))
  for (let at = 0; at < keys.length; at += 100) {
    await Promise.all(keys.slice(at, at + 100).map((each) => made.s3.put(each, 'x')))
  }
  const listed = await Array.fromAsync(made.store.list())
  assert.deepEqual(
    listed.map((blob) => blob.key),
    keys,
  )
  made.s3.asked.length = 0
  await made.store.delete(keys)
  assert.deepEqual(await made.s3.keys(), [])
  assert.equal(made.s3.asked.length, 3)
})

test('a store that cannot delete many at once is asked for each', async () => {
  await using made = await open()
  const keys = Array.from({ length: 20 }, (_, n) => keyOf(n))
  for (const each of keys) await made.store.put(each, Buffer.from('x'))
  made.s3.fault = ({ query }) => (query.has('delete') ? { status: 501, code: 'NotImplemented' } : undefined)
  await made.store.delete(keys.slice(0, 10))
  await made.store.delete(keys.slice(10))
  assert.deepEqual(await made.s3.keys(), [])
  assert.equal(made.s3.asked.filter(({ query }) => query.has('delete')).length, 1)
})

test('a blob that is not there is missing to readers, and no error to who deletes it', async () => {
  await using made = await open()
  await assert.rejects(read(made.store), { name: 'BlobMissing', key })
  await assert.rejects(read(made.store, 5, 2), { name: 'BlobMissing', key })
  await made.store.delete([key])
  await made.store.delete([key, keyOf(1)])
})

test('a key that is none never becomes a name', async () => {
  await using made = await open()
  made.s3.asked.length = 0
  for (const bad of ['../../other', '', key.toUpperCase(), `${key}/x`]) {
    await assert.rejects(made.store.put(bad, Buffer.alloc(1)), RangeError)
    await assert.rejects(Array.fromAsync(made.store.get(bad)), RangeError)
    await assert.rejects(made.store.delete([bad]), RangeError)
  }
  assert.ok(made.s3.asked.every((asked) => asked.query.has('uploads')))
})

test('many blobs at once are all there', async () => {
  await using made = await open()
  const keys = Array.from({ length: 200 }, (_, n) => keyOf(n))
  await Promise.all(keys.map((each) => made.store.put(each, Buffer.from(each))))
  assert.deepEqual(await made.s3.keys(), keys)
  const contents = await Promise.all(keys.map((each) => Array.fromAsync(made.store.get(each))))
  assert.deepEqual(
    contents.map((chunks) => Buffer.concat(chunks).toString()),
    keys,
  )
})

test('of a long stream no more than a few parts are in memory', async () => {
  await using made = await open()
  const chunk = Buffer.alloc(64 * 1024)
  let taken = 0
  const endless = async function* () {
    for (; taken < 400 * megabyte; taken += chunk.length) yield chunk
  }
  made.s3.fault = ({ query }) => (query.get('partNumber') === '2' ? 'hang' : undefined)
  const putting = assert.rejects(made.store.put(key, endless()), { name: 'BlobUnavailable' })
  await until(async () => made.s3.asked.some(({ query }) => query.get('partNumber') === '2'), 'the second part')
  assert.ok(taken < 4 * part, `${taken} bytes were taken`)
  made.s3.fault = ({ query }) => (query.has('partNumber') ? { status: 403, code: 'AccessDenied' } : undefined)
  made.s3.release()
  await putting
})

test('a reader that stops makes the store stop', async () => {
  await using made = await open()
  await made.store.put(key, Buffer.alloc(64 * megabyte))
  const other = keyOf(1)
  const reading = made.store.get(key)[Symbol.asyncIterator]()
  await reading.next()
  await made.store.put(other, Buffer.alloc(20 * megabyte))
  for await (const _ of made.store.get(other));
  assert.ok(made.s3.unsent() > 20 * megabyte)
  await reading.return?.()
  await until(async () => made.s3.unsent() === 0, 'the end of the answer')
})
