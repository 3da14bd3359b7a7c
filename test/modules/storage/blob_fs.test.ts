import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { BlobStore } from '../../../core/index.ts'
import { instance } from '../../support/server.ts'

const open = async () => {
  const made = await instance(BlobStore, 'storage.blob.fs blobs {\n root bodies\n}')
  return { ...made, folder: join(made.directory, 'bodies'), [Symbol.asyncDispose]: () => made[Symbol.asyncDispose]() }
}

const key = '0123456789abcdef'.repeat(2)

const read = async (store: BlobStore, ...range: [start?: number, length?: number]): Promise<string> =>
  Buffer.concat(await Array.fromAsync(store.get(key, ...range))).toString()

test('a blob is read as it was put, in whole and in part', async () => {
  await using made = await open()
  await made.api.put(key, Buffer.from('some content'))
  assert.deepEqual(await Promise.all([read(made.api), read(made.api, 5), read(made.api, 5, 3), read(made.api, 2, 0)]), [
    'some content',
    'content',
    'con',
    '',
  ])
})

test('a blob that comes as a stream is there under its name only once it is whole', async () => {
  await using made = await open()
  const names: string[][] = []
  const content = async function* () {
    yield Buffer.from('one ')
    names.push(await readdir(made.folder))
    yield Buffer.from('two')
  }
  await made.api.put(key, content())
  assert.ok(names.flat().every((name) => name !== key))
  assert.deepEqual(await readdir(made.folder), [key])
  assert.equal(await read(made.api), 'one two')
})

test('a blob whose source fails leaves nothing', async () => {
  await using made = await open()
  const content = async function* () {
    yield Buffer.from('half')
    throw new Error('broken source')
  }
  await assert.rejects(made.api.put(key, content()), /broken source/)
  assert.deepEqual(await readdir(made.folder), [])
})

test('a blob that is not there is missing to readers, and no error to who deletes it', async () => {
  await using made = await open()
  await assert.rejects(read(made.api), { name: 'BlobMissing', key })
  await made.api.delete([key])
})

test('a key that is none never becomes a path', async () => {
  await using made = await open()
  for (const bad of ['../../etc/passwd', '', key.toUpperCase(), `${key}/x`]) {
    await assert.rejects(made.api.put(bad, Buffer.alloc(1)), RangeError)
    await assert.rejects(made.api.delete([bad]), RangeError)
  }
})

test('only blobs are listed', async () => {
  await using made = await open()
  await made.api.put(key, Buffer.alloc(1))
  await writeFile(join(made.folder, 'README'), '')
  assert.deepEqual(
    (await Array.fromAsync(made.api.list())).map((blob) => blob.key),
    [key],
  )
})

test('what a process left unfinished is removed at the start, once it is a day old', async () => {
  const { mkdtemp, rm } = await import('node:fs/promises')
  const { tmpdir } = await import('node:os')
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  try {
    await mkdir(folder, { recursive: true })
    const [old, young] = [`.${key}.1f.tmp`, `.${key}.2f.tmp`]
    for (const name of [old, young, 'other.tmp']) await writeFile(join(folder, name), '')
    const before = new Date(Date.now() - 25 * 60 * 60 * 1000)
    for (const name of [old, 'other.tmp']) await utimes(join(folder, name), before, before)
    await using _made = await instance(BlobStore, `storage.blob.fs blobs {\n root ${folder}\n}`)
    assert.deepEqual((await readdir(folder)).sort(), [young, 'other.tmp'].sort())
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('many blobs at once are all there', async () => {
  await using made = await open()
  const keys = Array.from({ length: 100 }, (_, n) => n.toString(16).padStart(32, '0'))
  await Promise.all(keys.map((each) => made.api.put(each, Buffer.from(each))))
  assert.deepEqual((await readdir(made.folder)).sort(), keys)
})

test('without a folder it is refused', async () => {
  await assert.rejects(instance(BlobStore, 'storage.blob.fs blobs {\n}'), /needs root/)
})
