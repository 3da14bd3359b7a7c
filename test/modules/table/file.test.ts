import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Logger } from '../../../core/index.ts'
import { Table } from '../../../core/index.ts'
import { parseEntries } from '../../../modules/table/_entries.ts'
import { EntryFile } from '../../../modules/table/_file.ts'
import { instance } from '../../support/server.ts'
import { inPlace, refused } from './lookup.ts'

const entries = (text: string) => Object.fromEntries(parseEntries(text, 'aliases'))

test('values of a key that comes again are appended', () => {
  assert.deepEqual(entries('team: ann, bob\nteam: eve\n'), { team: ['ann', 'bob', 'eve'] })
})

test('keys and values are trimmed', () => {
  assert.deepEqual(entries('  spaced@x.example  :   y@x.example \r\n'), { 'spaced@x.example': ['y@x.example'] })
})

test('a # begins a comment in the first column only', () => {
  assert.deepEqual(entries('# a comment\n  # note\n'), { '# note': [''] })
})

test('a line without a colon, or with nothing after it, is a key with an empty value', () => {
  assert.deepEqual(entries('lonely\n\n   \nempty:\n'), { lonely: [''], empty: [''] })
})

test('a comma at the end adds an empty value', () => {
  assert.deepEqual(entries('k: v,'), { k: ['v', ''] })
})

test('only the first colon ends the key, and quotes mean nothing', () => {
  assert.deepEqual(entries('k: http://h:1\nq: "a, b"'), { k: ['http://h:1'], q: ['"a', 'b"'] })
})

test('a line without a key is an error that names file and line', () => {
  assert.throws(() => entries('a: b\n: v\n'), /^EntryError: aliases:2: there is no key/)
})

test('a line of 64 KiB is an error, and one that is shorter is not', () => {
  assert.throws(() => entries(`k:${'v'.repeat(65_534)}`), /aliases:1: the line is too long/)
  assert.equal(entries(`k:${'v'.repeat(65_533)}`).k?.[0]?.length, 65_533)
})

/** A file that is looked at by hand. Times are seconds after the beginning of `now`. */
const watched = async (content: string | undefined) => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-table-'))
  const path = join(folder, 'aliases')
  const begin = Date.now()
  const events: string[] = []
  const write = async (text: string, seconds: number) => {
    await writeFile(path, text)
    await utimes(path, new Date(begin), new Date(begin + seconds * 1000))
  }
  const note = (event: string) => void events.push(event)
  const log: Logger = { debugging: true, with: () => log, part: () => log, debug: note, info: note, error: note }
  if (content !== undefined) await write(content, 0)
  const file = new EntryFile(path, log)
  await file.load()
  return {
    file,
    path,
    events,
    write,
    tick: (seconds: number) => file.refresh(begin + seconds * 1000),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

test('a file that is missing at the start is an empty table, and is read once it is there', async () => {
  await using aliases = await watched(undefined)
  assert.deepEqual(aliases.events, ['file does not exist, the table is empty for now'])
  assert.deepEqual(aliases.file.get('a'), [])
  await aliases.write('a: b', 0)
  await aliases.tick(15)
  assert.deepEqual(aliases.file.get('a'), ['b'])
})

test('a file that is removed leaves an empty table', async () => {
  await using aliases = await watched('a: b')
  await rm(aliases.path)
  await aliases.tick(15)
  assert.deepEqual(aliases.file.get('a'), [])
})

test('a file that was written just now is read one turn later', async () => {
  await using aliases = await watched('a: old')
  await aliases.write('a: new', 13)
  await aliases.tick(15)
  assert.deepEqual(aliases.file.get('a'), ['old'])
  await aliases.tick(30)
  assert.deepEqual(aliases.file.get('a'), ['new'])
})

test('a file that has not changed is not read again', async () => {
  await using aliases = await watched('a: b')
  await aliases.tick(15)
  assert.deepEqual(aliases.events, [])
})

test('a file that can no longer be read leaves the table as it was, and the reason in the log', async () => {
  await using aliases = await watched('a: old')
  await aliases.write(': nothing', 1)
  await aliases.tick(15)
  assert.deepEqual(aliases.file.get('a'), ['old'])
  assert.deepEqual(aliases.events, ['table was not reloaded'])
})

test('an older file that is put back is read too', async () => {
  await using aliases = await watched('a: new')
  await aliases.write('a: backup', -86_400)
  await aliases.tick(15)
  assert.deepEqual(aliases.file.get('a'), ['backup'])
})

test('a relative path is taken from the state directory', async () => {
  await using table = await instance(Table, 'table.file t {\n file aliases\n}', { files: { aliases: 'a: b, c\n' } })
  assert.deepEqual(await table.api.lookup('a'), ['b', 'c'])
})

test('the path may stand after the name of a table defined in place', async () => {
  const conf = 'table.chain t {\n step file aliases\n}'
  await using table = await instance(Table, conf, { files: { aliases: 'a: b\n' } })
  assert.deepEqual(await table.api.lookup('a'), ['b'])
})

test('a table without a path is empty', async () => {
  assert.deepEqual(await inPlace('file', 'a'), [])
})

test('a file with an error keeps the server from starting', async () => {
  const starting = instance(Table, 'table.file t {\n file aliases\n}', { files: { aliases: ': v\n' } })
  await assert.rejects(starting, /aliases:1: there is no key/)
})

test('a missing file is told of in the log', async () => {
  await using table = await instance(Table, 'table.file t {\n file aliases\n}')
  assert.match(await readFile(join(table.directory, 'log'), 'utf8'), /file does not exist/)
})

test('two paths are refused', async () => {
  await assert.rejects(inPlace('file a b', 'a'), refused(/takes one path/))
  await assert.rejects(inPlace('file a {\n file b\n }', 'a'), refused(/given twice/))
})
