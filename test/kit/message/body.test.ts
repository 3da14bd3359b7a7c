import assert from 'node:assert/strict'
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesOf, concatBody, fileBody, memoryBody, spoolBody } from '../../../core/kit/message/body.ts'
import { chunked, collect, temporaryDirectory } from './support.ts'

const openFiles = async () => (await readdir('/proc/self/fd')).length

test('a body shorter than the limit stays in memory', async () => {
  await using directory = await temporaryDirectory()
  const options = { memoryLimit: 6, directory: directory.path }
  await using body = await spoolBody(chunked(Buffer.from('hello'), 2), options)
  assert.equal(String(body.memory), 'hello')
  assert.deepEqual(await directory.files(), [])
})

test('a body as long as the limit goes to a file of 64 hexadecimal digits, which only this user can read', async () => {
  await using directory = await temporaryDirectory()
  const options = { memoryLimit: 5, directory: directory.path }
  await using body = await spoolBody(chunked(Buffer.from('hello'), 2), options)
  const [name = ''] = await directory.files()
  assert.match(name, /^[0-9a-f]{64}$/)
  assert.equal((await stat(join(directory.path, name))).mode & 0o777, 0o600)
  assert.equal(body.memory, undefined)
  assert.deepEqual([body.size, await collect(body.read())], [5, 'hello'])
})

test('the file of a body goes when the body does', async () => {
  await using directory = await temporaryDirectory()
  {
    await using body = await spoolBody(chunked(Buffer.from('hello'), 1), { memoryLimit: 1, directory: directory.path })
    assert.equal(body.size, 5)
    assert.equal((await directory.files()).length, 1)
  }
  assert.deepEqual(await directory.files(), [])
})

test('nothing is left of a body when its source fails midway', async () => {
  await using directory = await temporaryDirectory()
  async function* source() {
    yield Buffer.from('hello')
    throw new Error('gone')
  }
  await assert.rejects(spoolBody(source(), { memoryLimit: 1, directory: directory.path }), /gone/)
  assert.deepEqual(await directory.files(), [])
})

test('an empty body is fine in memory and in a file', async () => {
  await using directory = await temporaryDirectory()
  for (const mode of ['ram', 'fs', 'auto'] as const) {
    const options = { mode, memoryLimit: 10, directory: directory.path }
    await using body = await spoolBody(chunked(Buffer.alloc(0), 1), options)
    assert.deepEqual([body.size, await collect(body.read())], [0, ''])
    assert.equal((await directory.files()).length, mode === 'fs' ? 1 : 0)
  }
})

test('with ram no body goes to a file, however long', async () => {
  await using body = await spoolBody(chunked(Buffer.alloc(100_000), 1000), {
    mode: 'ram',
    memoryLimit: 1,
    directory: '/nowhere',
  })
  assert.equal(body.memory?.length, 100_000)
})

test('a body of one chunk is not copied', async () => {
  const bytes = Buffer.from('hello')
  await using body = await spoolBody(chunked(bytes, 10), { memoryLimit: 10, directory: '/nowhere' })
  assert.equal(body.memory?.buffer, bytes.buffer)
})

test('the source is not read ahead of the disk', async () => {
  await using directory = await temporaryDirectory()
  let given = 0
  async function* source() {
    for (; given < 20; given++) {
      const [name] = await directory.files()
      const written = name === undefined ? 0 : (await stat(join(directory.path, name))).size
      assert.equal(written, given * 1000)
      yield Buffer.alloc(1000)
    }
  }
  await using body = await spoolBody(source(), { mode: 'fs', memoryLimit: 0, directory: directory.path })
  assert.equal(body.size, 20_000)
})

const linux = { skip: process.platform !== 'linux' && 'needs /proc' }

test('reading a body in a file leaves no file open, also when it stops early', linux, async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'body')
  await writeFile(path, Buffer.alloc(500_000))
  const body = fileBody(path, 0, 500_000)
  const before = await openFiles()
  for (let round = 0; round < 5; round++) {
    for await (const chunk of body.read()) {
      assert.ok(chunk.length <= 64 * 1024)
      break
    }
  }
  assert.equal((await collect(body.read())).length, 500_000)
  assert.equal(await openFiles(), before)
})

test('a file that has become shorter is an error, not a shorter body', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'body')
  await writeFile(path, 'hello')
  await assert.rejects(collect(fileBody(path, 0, 6).read()), /ends before its time/)
})

test('any range can be read of a body in memory, in a file, or of two pieces', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'body')
  await writeFile(path, '__0123456789__')
  const bodies = [
    memoryBody(Buffer.from('0123456789')),
    fileBody(path, 2, 10),
    concatBody(Buffer.from('0123'), memoryBody(Buffer.from('456789'))),
    concatBody(Buffer.from('0123'), fileBody(path, 6, 6)),
  ]
  const offset = fc.integer({ min: -2, max: 14 })
  await fc.assert(
    fc.asyncProperty(offset, offset, async (start, length) => {
      const expected = '0123456789'.slice(Math.max(start, 0), Math.max(start, 0) + Math.max(length, 0))
      for (const body of bodies) assert.equal(await collect(body.read(start, length)), expected)
    }),
    { numRuns: 60 },
  )
  for (const body of bodies) assert.deepEqual([body.size, await collect(body.read())], [10, '0123456789'])
})

test('two pieces are in memory when the second one is', async () => {
  assert.equal(String(concatBody(Buffer.from('a'), memoryBody(Buffer.from('b'))).memory), 'ab')
  assert.equal(concatBody(Buffer.from('a'), fileBody('/nowhere', 0, 1)).memory, undefined)
})

test('all bytes of a body can be had at once', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'body')
  await writeFile(path, Buffer.alloc(200_000, 'x'))
  assert.equal((await bytesOf(fileBody(path, 0, 200_000))).length, 200_000)
  assert.equal(String(await bytesOf(memoryBody(Buffer.from('hello')), 1, 3)), 'ell')
})
