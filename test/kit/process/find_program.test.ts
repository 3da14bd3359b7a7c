import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { findProgram } from '../../../core/kit/process/index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  await mkdir(join(folder, 'libexec/folder'), { recursive: true })
  for (const file of ['libexec/mine', 'libexec/sh', 'here']) {
    await writeFile(join(folder, file), '#!/bin/sh\n', { mode: 0o700 })
  }
  await writeFile(join(folder, 'libexec/data'), '', { mode: 0o600 })
})
after(() => rm(folder, { recursive: true, force: true }))

const find = (program: string) => findProgram(program, { directory: folder, libexec: join(folder, 'libexec') })

test('a name is looked for in the libexec directory first', async () => {
  assert.equal(await find('sh'), join(folder, 'libexec/sh'))
  assert.equal(await find('mine'), join(folder, 'libexec/mine'))
})

test('a name that is not there is looked for on PATH', async () => {
  assert.match(await find('cat'), /^\/.*\/cat$/)
})

test('a path is taken as it is, from the directory given when it is relative', async () => {
  assert.equal(await find('./here'), join(folder, 'here'))
  assert.equal(await find('/bin/sh'), '/bin/sh')
})

for (const [what, program] of [
  ['a name that is nowhere', 'no-such-program-anywhere'],
  ['a file that cannot be run', './libexec/data'],
  ['a directory', './libexec'],
  ['the name of a directory', 'folder'],
  ['a path to nothing', '/no/such/program'],
] as const) {
  test(`${what} is no program`, () => assert.rejects(find(program), /no program/))
}
