import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings, soundSettings } from '../../../core/runtime/settings.ts'
import { nodes } from '../../support/nodes.ts'

const read = async (conf: string, libexec?: string) =>
  readSettings(await nodes(conf), { startDirectory: '/started/here', libexec })

test('directories have defaults', async () => {
  const { directories } = await read('')
  assert.deepEqual(directories, { state: '/var/lib/maddy', runtime: '/run/maddy', libexec: '/usr/lib/maddy' })
})

test('relative directories are taken from where the process was started', async () => {
  const { directories } = await read('state_dir data\nruntime_dir data/run\n', 'helpers')
  assert.deepEqual(directories, {
    state: '/started/here/data',
    runtime: '/started/here/data/run',
    libexec: '/started/here/helpers',
  })
})

test('a debug that is not written is told apart from one that says no', async () => {
  assert.equal((await read('')).debug, undefined)
  assert.equal((await read('debug no\n')).debug, false)
  assert.equal((await read('debug\n')).debug, true)
})

test('the targets of log are read in order', async () => {
  assert.deepEqual((await read('log stderr_ts syslog /var/log/mail\n')).log, ['stderr_ts', 'syslog', '/var/log/mail'])
})

test('a directive of the process that is given twice is an error', async () => {
  await assert.rejects(read('debug\ndebug no\n'), /2:1: debug is given twice; first on line 1/)
})

test('other directives of the top level are no concern of the process', async () => {
  assert.equal((await read('hostname mx.example.org\nsmtp tcp://127.0.0.1:25\n')).autoReload, false)
})

test('off excludes all other targets of log', async () => {
  await assert.rejects(read('log off stderr\n'), { message: 'test.conf:1:5: off excludes all other targets of log' })
})

test('an empty target of log is refused', async () => {
  await assert.rejects(read('log ""\n'), /1:5: a target of log is an empty word/)
})

test('sound settings leave out what is wrong, and what comes a second time', async () => {
  const conf = 'state_dir /a\ndebug maybe\nauto_reload yes yes\nruntime_dir /b\nruntime_dir /c\n'
  const { directories, debug, autoReload } = await soundSettings(await nodes(conf), { startDirectory: '/here' })
  assert.deepEqual([directories.state, directories.runtime, debug, autoReload], ['/a', '/b', undefined, false])
})
