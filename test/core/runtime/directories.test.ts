import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { prepareDirectories } from '../../../core/runtime/directories.ts'
import { folder } from '../../support/process.ts'

test('directories are made with what is missing above them, for their owner alone', async () => {
  await using place = await folder()
  const [state, runtime] = [join(place.path, 'a/b/state'), join(place.path, 'run')]
  await prepareDirectories({ state, runtime, libexec: '/' })
  for (const path of [state, runtime, join(place.path, 'a')]) assert.equal((await stat(path)).mode & 0o777, 0o700)
})

test('directories that are there already are used', async () => {
  await using place = await folder()
  await prepareDirectories({ state: place.path, runtime: place.path, libexec: '/' })
})

test('a file where a directory is to be is told', async () => {
  await using place = await folder()
  const file = join(place.path, 'file')
  await writeFile(file, '')
  await assert.rejects(prepareDirectories({ state: file, runtime: place.path, libexec: '/' }), {
    message: /^state_dir .*file cannot be used: EEXIST/,
  })
})

test('a file system that takes no directories is told, and not tried for ever', async () => {
  await using place = await folder()
  await assert.rejects(prepareDirectories({ state: '/proc/tsmaddy/state', runtime: place.path, libexec: '/' }), {
    message: /^state_dir \/proc\/tsmaddy\/state cannot be used: /,
  })
})
