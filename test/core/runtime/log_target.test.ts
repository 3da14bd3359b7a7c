import assert from 'node:assert/strict'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { test } from 'node:test'
import { LogOutput, makeLogger } from '../../../core/runtime/log.ts'
import { openTargets } from '../../../core/runtime/log_target.ts'
import { folder, until } from '../../support/process.ts'

test('a file gets the time in front of each line', async () => {
  await using place = await folder()
  using output = new LogOutput(openTargets(['file.log'], place.path))
  makeLogger(output, 'smtp', true).debug('e', { a: 1 })
  output.flush()
  const text = await readFile(join(place.path, 'file.log'), 'utf8')
  assert.match(text, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[debug\] smtp: e\t\{"a":1\}\n$/)
})

test('every target gets every line', async () => {
  await using place = await folder()
  using output = new LogOutput(openTargets(['a', 'b'], place.path))
  makeLogger(output, '', false).info('e')
  output.flush()
  for (const name of ['a', 'b']) assert.match(await readFile(join(place.path, name), 'utf8'), /Z e\t\n$/)
})

test('a file is appended to', async () => {
  await using place = await folder({ 'file.log': 'before\n' })
  using output = new LogOutput(openTargets(['file.log'], place.path))
  makeLogger(output, '', false).info('e')
  output.flush()
  assert.match(await readFile(join(place.path, 'file.log'), 'utf8'), /^before\n.*Z e\t\n$/)
})

test('after reopening, lines go to a new file of the old name', async () => {
  await using place = await folder()
  using output = new LogOutput(openTargets(['file.log'], place.path))
  await rename(join(place.path, 'file.log'), join(place.path, 'old.log'))
  output.reopen()
  makeLogger(output, '', false).info('e')
  output.flush()
  assert.match(await readFile(join(place.path, 'file.log'), 'utf8'), /e\t\n$/)
  assert.equal(await readFile(join(place.path, 'old.log'), 'utf8'), '')
})

test('off writes nothing, and stands alone', async () => {
  await using place = await folder()
  assert.deepEqual(openTargets(['off'], place.path), [])
  assert.throws(() => openTargets(['off', 'stderr'], place.path), /off excludes/)
})

test('a logger that was made before the targets were exchanged writes to the new ones', async () => {
  await using place = await folder()
  using output = new LogOutput(openTargets(['a'], place.path))
  const log = makeLogger(output, '', false)
  output.use(openTargets(['b'], place.path))
  log.info('e')
  output.flush()
  assert.equal(await readFile(join(place.path, 'a'), 'utf8'), '')
  assert.match(await readFile(join(place.path, 'b'), 'utf8'), /e\t\n$/)
})

test('syslog gets lines by the program logger: tag maddy, facility mail, severity info or debug', async () => {
  await using place = await folder()
  const program = join(place.path, 'logger')
  await writeFile(program, `#!/bin/sh\necho "$@" >> ${place.path}/args\ncat >> ${place.path}/lines\n`)
  await chmod(program, 0o755)
  const path = process.env.PATH
  process.env.PATH = `${place.path}${delimiter}${path}`
  try {
    using output = new LogOutput(openTargets(['syslog'], place.path))
    const log = makeLogger(output, 'smtp', true)
    log.info('a', { x: 1 })
    log.debug('b')
  } finally {
    process.env.PATH = path
  }
  const lines = () => readFile(join(place.path, 'lines'), 'utf8').catch(() => '')
  await until(async () => (await lines()).split('\n').length > 2, 'two lines')
  assert.equal(await lines(), '<22>smtp: a\t{"x":1}\n<23>smtp: b\t\n')
  assert.match(await readFile(join(place.path, 'args'), 'utf8'), /--tag maddy .*--prio-prefix\n$/)
})

test('a log of the system that cannot be reached is an error', async () => {
  await using place = await folder()
  const program = join(place.path, 'logger')
  await writeFile(program, '#!/bin/sh\necho "logger: socket /dev/log: No such file" >&2\nexit 1\n')
  await chmod(program, 0o755)
  const path = process.env.PATH
  process.env.PATH = `${place.path}${delimiter}${path}`
  try {
    assert.throws(() => openTargets(['syslog'], place.path), /cannot be reached: logger: socket \/dev\/log/)
  } finally {
    process.env.PATH = path
  }
})
