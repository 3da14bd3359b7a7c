import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readConfig, readConfigText } from '../../grammar/index.ts'
import { memory, outline } from './support.ts'

const env = {}

const folder = async (files: Readonly<Record<string, string | Uint8Array>>) => {
  const path = await mkdtemp(join(tmpdir(), 'grammar-'))
  await mkdir(join(path, 'sub'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

test('a configuration is read from files, each of which is named once', async () => {
  await using disk = await folder({
    'maddy.conf': 'import sub/a\nimport sub/a',
    'sub/a.conf': 'import b',
    'sub/b': 'x y',
  })
  const { nodes, files } = await readConfig(join(disk.path, 'maddy.conf'), { env })
  assert.equal(outline(nodes), 'x[y]; x[y]')
  assert.deepEqual(
    files,
    ['maddy.conf', 'sub/a.conf', 'sub/b'].map((name) => join(disk.path, name)),
  )
})

test('a relative path is relative to cwd, and positions name it as given', async () => {
  await using disk = await folder({ 'sub/maddy.conf': 'import more', 'sub/more.conf': 'x' })
  const { nodes, files } = await readConfig('sub/maddy.conf', { env, cwd: disk.path })
  assert.equal(nodes[0]?.name.at.file, 'sub/more.conf')
  assert.equal(files[0], join(disk.path, 'sub/maddy.conf'))
})

test('a word of an imported file knows the import, and that of the import', async () => {
  const readFile = memory({ '/c/root': '\nimport a', '/c/a': 'x {\n  import b\n}', '/c/b': 'y   $(u)z' })
  const { nodes } = await readConfig('/c/root', { env, readFile })
  const root = { file: '/c/root', line: 2, column: 1 }
  const a = { file: '/c/a', line: 2, column: 3, via: root }
  assert.deepEqual(nodes[0]?.name.at, { file: '/c/a', line: 1, column: 1, via: root })
  assert.deepEqual(nodes[0]?.children?.[0]?.args[0]?.at, { file: '/c/b', line: 1, column: 5, via: a })
})

test('a word of a snippet stands where it is written, and knows the import that uses it', async () => {
  const { nodes } = await readConfigText('(s) {\n  x y\n}\na {\n  import s\n}', 'f', { env })
  const at = nodes[0]?.children?.[0]?.args[0]?.at
  assert.deepEqual(at, { file: 'f', line: 2, column: 5, via: { file: 'f', line: 5, column: 3 } })
})

test('the value of a macro stands where it is used', async () => {
  const { nodes } = await readConfigText('$(m) = "x" y\na  $(m)', 'f', { env })
  const at = { file: 'f', line: 2, column: 4 }
  assert.deepEqual(nodes[0]?.args, [
    { text: 'x', quoted: true, at },
    { text: 'y', quoted: false, at },
  ])
})

test('a file in a snippet is relative to the file that uses the snippet', async () => {
  const readFile = memory({
    '/c/root': 'import d/defs\nimport s',
    '/c/d/defs': '(s) { import x }',
    '/c/x': 'here',
    '/c/d/x': 'there',
  })
  const { nodes } = await readConfig('/c/root', { env, readFile })
  assert.equal(outline(nodes), 'here[]')
})

test('a root file that does not exist is a ConfigError', async () => {
  const reading = readConfig('/nowhere/maddy.conf', { env })
  await assert.rejects(reading, {
    name: 'ConfigError',
    message: 'cannot read /nowhere/maddy.conf: no such file or directory',
  })
})

test('a root that is a directory is a ConfigError', async () => {
  const reading = readConfig(tmpdir(), { env })
  await assert.rejects(reading, { name: 'ConfigError', message: `cannot read ${tmpdir()}: it is a directory` })
})

test('an import that cannot be read is a ConfigError at the import, and says why', async () => {
  const readFile = async () => {
    throw Object.assign(new Error('EACCES'), { code: 'EACCES', errno: -13 })
  }
  const reading = readConfigText('a\nimport secret', '/c/f', { env, readFile })
  await assert.rejects(reading, {
    name: 'ConfigError',
    message: '/c/f:2:8: cannot import "/c/secret": permission denied',
  })
})

test('a device without end is refused', { skip: process.platform === 'win32' }, async () => {
  await assert.rejects(readConfig('/dev/zero', { env }), { name: 'ConfigError', message: /larger than \d+ bytes/ })
})

test('a byte-order mark and CRLF do no harm in files', async () => {
  await using disk = await folder({ 'f.conf': '\uFEFFa b\r\nc "\r\n"\r\n' })
  const { nodes } = await readConfig(join(disk.path, 'f.conf'), { env })
  assert.equal(outline(nodes, true), 'a[b]@1; c[\r\n]@2')
})

test('bytes that are no UTF-8 become U+FFFD, with a warning where they stand', async () => {
  const content = Buffer.concat([Buffer.from('a é\uFFFD\nb é\uFFFD'), Buffer.from([0xff, 0xfe]), Buffer.from('c\n')])
  const { nodes, warnings } = await readConfig('/f', { env, readFile: memory({ '/f': content }) })
  assert.equal(nodes[1]?.args[0]?.text, 'é\uFFFD\uFFFD\uFFFDc')
  assert.deepEqual(
    warnings.map(({ at }) => at),
    [{ file: '/f', line: 2, column: 5 }],
  )
})

test('a failure that is no error of the file system is still a ConfigError', async () => {
  const readFile = async (): Promise<string> => Promise.reject('no luck')
  await assert.rejects(readConfig('/f', { env, readFile }), { name: 'ConfigError', message: 'cannot read /f: no luck' })
})

test('a path with a NUL is a ConfigError', async () => {
  await assert.rejects(readConfigText('import "a\0b"', '/f', { env }), { name: 'ConfigError' })
})
