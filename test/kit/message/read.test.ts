import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import fc from 'fast-check'
import { readMessage } from '../../../core/kit/message/read.ts'
import { chunked, collect, temporaryDirectory } from './support.ts'

const limits = { maxHeaderSize: 1000, maxSize: 10_000, memoryLimit: 100_000, directory: '/nowhere' }

test('a message is split into header and body wherever its chunks end', async () => {
  const text = fc.string({ unit: fc.constantFrom('A: b', '\r\n', '\n', '\r', ' x', '\r\n\r\n', ':'), maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (rest, size) => {
      const bytes = Buffer.from(`A: 1\r\n\r\n${rest}`)
      const { header, body } = await readMessage(chunked(bytes, size), limits)
      assert.equal(String(header.bytes()), 'A: 1\r\n')
      assert.equal(await collect(body.read()), rest)
    }),
  )
})

test('a bare LF can end the header', async () => {
  for (const size of [1, 2, 100]) {
    const { header, body } = await readMessage(chunked(Buffer.from('A: 1\r\nB: 2\n\nbody\n\n'), size), limits)
    assert.deepEqual([header.fields.length, await collect(body.read())], [2, 'body\n\n'])
  }
})

test('a message may be all header, or nothing at all', async () => {
  for (const text of ['A: 1\r\n', 'A: 1\r\n\r\n', '', '\r\n']) {
    const { header, body } = await readMessage(chunked(Buffer.from(text), 3), limits)
    assert.deepEqual([header.fields.length, body.size], [text.startsWith('A') ? 1 : 0, 0], JSON.stringify(text))
  }
})

test('a header larger than allowed is refused, and no more of it is kept', async () => {
  const source = chunked(Buffer.from(`A: ${'x'.repeat(5000)}\r\n\r\nbody`), 100)
  await assert.rejects(readMessage(source, limits), { name: 'HeaderTooBig' })
})

test('a large body does not count as header', async () => {
  const { body } = await readMessage(chunked(Buffer.from(`A: 1\r\n\r\n${'x'.repeat(5000)}`), 6000), limits)
  assert.equal(body.size, 5000)
})

test('a message of the largest size is taken, and one byte more is not', async () => {
  const bytes = Buffer.from(`A: 1\r\n\r\n${'x'.repeat(100)}`)
  const { body } = await readMessage(chunked(bytes, 10), { ...limits, maxSize: bytes.length })
  assert.equal(body.size, 100)
  const refused = readMessage(chunked(bytes, 10), { ...limits, maxSize: bytes.length - 1 })
  await assert.rejects(refused, { name: 'MessageTooBig' })
})

test('a broken header is refused', async () => {
  await assert.rejects(readMessage(chunked(Buffer.from('no colon\r\n\r\n'), 5), limits), { name: 'HeaderError' })
})

test('the source is read to its end after every refusal, and nothing is left on disk', async () => {
  await using directory = await temporaryDirectory()
  const refused = { 'no colon': limits, [`A: ${'x'.repeat(2000)}`]: limits, 'A: 1': { ...limits, maxSize: 5000 } }
  for (const [head, options] of Object.entries(refused)) {
    const source = Readable.from(chunked(Buffer.from(`${head}\r\n\r\n${'x'.repeat(8000)}`), 100))
    await assert.rejects(readMessage(source, { ...options, mode: 'fs', directory: directory.path }))
    assert.equal(source.readableEnded, true)
  }
  assert.deepEqual(await directory.files(), [])
})

test('a disk that fails is an error, and the source is read to its end', async () => {
  const source = Readable.from(chunked(Buffer.from(`A: 1\r\n\r\n${'x'.repeat(8000)}`), 100))
  await assert.rejects(readMessage(source, { ...limits, mode: 'fs' }), { code: 'ENOENT' })
  assert.equal(source.readableEnded, true)
})

test('a source that fails is an error', async () => {
  async function* source() {
    yield Buffer.from('A: 1\r\n\r\nbo')
    throw new Error('connection lost')
  }
  await assert.rejects(readMessage(source(), limits), /connection lost/)
})
