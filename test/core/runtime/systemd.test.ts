import assert from 'node:assert/strict'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeLogger } from '../../../core/runtime/log.ts'
import { formatLine } from '../../../core/runtime/log_line.ts'
import { Systemd } from '../../../core/runtime/systemd.ts'
import { folder } from '../../support/process.ts'

/** What was told to systemd, one call of its program a line. */
const told = async (
  script: string,
  tell: (systemd: Systemd) => void,
  socket: string | undefined = '/run/systemd/notify',
) => {
  await using place = await folder()
  const program = join(place.path, 'systemd-notify')
  await writeFile(program, `#!/bin/sh\n${script}\n`.replaceAll('$FILE', `${place.path}/told`))
  await chmod(program, 0o755)
  const lines: string[] = []
  const log = makeLogger({ write: (line) => lines.push(formatLine(line)) }, '', false)
  const path = `${place.path}:${process.env.PATH}`
  const systemd = new Systemd({ PATH: path, ...(socket && { NOTIFY_SOCKET: socket }) }, log)
  tell(systemd)
  await systemd.delivered()
  return { lines, told: await readFile(`${place.path}/told`, 'utf8').catch(() => '') }
}

test('systemd hears of every step, in order', async () => {
  const result = await told('echo "$@" >> $FILE', (systemd) => {
    systemd.ready('serving')
    systemd.reloading()
    systemd.ready('serving')
    systemd.stopping()
  })
  const [ready, reloading, again, stopping] = result.told.split('\n')
  assert.equal(ready, 'READY=1 STATUS=serving')
  assert.match(reloading ?? '', /^RELOADING=1 MONOTONIC_USEC=\d+ STATUS=reloading$/)
  assert.equal(again, 'READY=1 STATUS=serving')
  assert.equal(stopping, 'STOPPING=1 STATUS=stopping')
})

test('a failure to tell is logged and goes no further', async () => {
  const { lines } = await told('exit 1', (systemd) => systemd.ready('serving'))
  assert.deepEqual(lines, ['cannot notify systemd\t{"reason":"systemd-notify ended with status 1"}'])
})

test('without a socket to tell, nothing is run', async () => {
  const result = await told('echo "$@" >> $FILE', (systemd) => systemd.ready('serving'), '')
  assert.deepEqual(result, { lines: [], told: '' })
})
