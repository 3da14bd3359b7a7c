import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inPlace, lookup, refused } from './lookup.ts'

test('an entry that comes again replaces the first, with all its values', async () => {
  assert.deepEqual(await lookup('table.static t {\n entry a x\n entry a y z\n}', 'a'), ['y', 'z'])
})

test('an entry without a value is refused', async () => {
  await assert.rejects(
    lookup('table.static t {\n entry a\n}', 'a'),
    refused(/^test\.conf:2:2: entry needs KEY VALUE…$/),
  )
})

test('a key in another case is not found', async () => {
  assert.deepEqual(await lookup('table.static t {\n entry a x\n}', 'A'), [])
})

test('the empty word is a key and a value like any other', async () => {
  assert.deepEqual(await lookup('table.static t {\n entry "" ""\n}', ''), [''])
})

test('words after the name of a table defined in place mean nothing', async () => {
  assert.deepEqual(await inPlace('static some words {\n entry a x\n }', 'a'), ['x'])
})
