import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProgram } from '../../../core/kit/process/index.ts'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
})
after(() => rm(folder, { recursive: true, force: true }))

/** More than any pipe holds. */
const plenty = Buffer.alloc(4 * 1024 * 1024, 'x')
const patient = () => AbortSignal.timeout(20_000)

const textOf = async (output: AsyncIterable<Buffer>): Promise<string> =>
  Buffer.concat(await Array.fromAsync(output)).toString()

const shell = (
  script: string,
  { signal = patient(), input }: { signal?: AbortSignal; input?: Iterable<Buffer> } = {},
) =>
  runProgram('/bin/sh', ['-c', script], {
    cwd: folder,
    output: textOf,
    signal,
    ...(input && { input: streamed(input) }),
  })

const streamed = async function* (chunks: Iterable<Buffer>) {
  yield* chunks
}

/** Resolves once there is no process with that id; the test's own deadline is that it does not. */
const gone = async (pid: number): Promise<void> => {
  const deadline = performance.now() + 8_000
  while (true) {
    // What has been killed may stay in the table until its new parent has noticed.
    const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => undefined)
    if (status === undefined || /\) Z /.test(status)) return
    if (performance.now() > deadline) throw new Error(`process ${pid} lives`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** The process ids that a script has written to a file, once there are so many. */
const pids = async (file: string, count: number): Promise<number[]> => {
  const deadline = performance.now() + 8_000
  while (true) {
    const found = (await readFile(join(folder, file), 'utf8').catch(() => '')).split('\n').filter(Boolean).map(Number)
    if (found.length >= count) return found
    if (performance.now() > deadline) throw new Error('the script has not begun')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a program ends with what it printed and its exit status', async () => {
  assert.deepEqual(await shell('pwd; exit 3'), { output: `${folder}\n`, status: 3, signal: null })
})

test('a program that a signal ends has the status -1', async () => {
  assert.deepEqual(await shell('kill -9 $$'), { output: '', status: -1, signal: 'SIGKILL' })
})

test('arguments reach the program as they are', async () => {
  const args = ['$(id)', 'a b', '', "'", '*']
  const { output } = await runProgram('/bin/sh', ['-c', 'for a in "$@"; do echo "<$a>"; done', 'sh', ...args], {
    cwd: folder,
    output: textOf,
    signal: patient(),
  })
  assert.equal(output, args.map((arg) => `<${arg}>\n`).join(''))
})

test('a program without input finds its end at once', async () => {
  assert.equal((await shell('cat; echo done')).output, 'done\n')
})

test('input and output larger than any pipe go through at the same time', async () => {
  assert.equal((await shell('cat', { input: [plenty] })).output.length, plenty.length)
})

test('input is read no faster than the program reads it', async () => {
  let asked = 0
  const endless = function* () {
    for (;;) {
      asked += 1
      yield Buffer.alloc(64 * 1024)
    }
  }
  await assert.rejects(shell('echo $$ > slow; exec sleep 1000', { input: endless(), signal: AbortSignal.timeout(300) }))
  assert.ok(asked < 20, `${asked} chunks were read for a program that reads none`)
})

test('a program may end without reading its input', async () => {
  assert.equal((await shell('exec 0<&-; echo done', { input: [plenty] })).output, 'done\n')
})

test('a program that cannot be started is an error', async () => {
  const options = { cwd: folder, output: textOf, signal: patient() }
  await assert.rejects(runProgram('/no/such/program', [], options), { code: 'ENOENT' })
  await assert.rejects(runProgram('/bin/sh', [], { ...options, cwd: '/no/such/folder' }), { code: 'ENOENT' })
})

test('arguments that the system does not take are an error', async () => {
  await assert.rejects(
    runProgram('/bin/echo', ['x'.repeat(4 * 1024 * 1024)], {
      cwd: folder,
      output: textOf,
      signal: patient(),
    }),
    { code: 'E2BIG' },
  )
})

test('the signal kills the program and all that it has started', async () => {
  const stop = new AbortController()
  const running = shell("echo $$ > all; sh -c 'echo $$ >> all; sleep 1000' & wait", { signal: stop.signal })
  const started = await pids('all', 2)
  stop.abort(new Error('enough'))
  await assert.rejects(running, { message: 'enough' })
  for (const pid of started) await gone(pid)
})

test('a program that has moved to another group, with our end of its output, is not waited for', async () => {
  const stop = new AbortController()
  const running = shell("exec setsid sh -c 'echo $$ > moved; exec sleep 1000'", { signal: stop.signal })
  const [pid = 0] = await pids('moved', 1)
  stop.abort(new Error('enough'))
  await assert.rejects(running, { message: 'enough' })
  process.kill(pid, 'SIGKILL')
})

test('nothing is started once the signal has aborted', async () => {
  await assert.rejects(shell('echo $$ > late', { signal: AbortSignal.abort(new Error('too late')) }), {
    message: 'too late',
  })
  await assert.rejects(readFile(join(folder, 'late')), { code: 'ENOENT' })
})

test('a reader of the output that throws ends the program', async () => {
  const running = runProgram('/bin/sh', ['-c', 'echo $$ > flood; exec yes'], {
    cwd: folder,
    output: async (stdout) => {
      for await (const chunk of stdout) if (chunk.length > 0) throw new Error('no more')
    },
    signal: patient(),
  })
  await assert.rejects(running, { message: 'no more' })
  const [pid = 0] = await pids('flood', 1)
  await gone(pid)
})

test('input that cannot be read ends the program', async () => {
  const broken = function* () {
    yield Buffer.from('x')
    throw new Error('the disk is gone')
  }
  const running = shell('echo $$ > fed; cat > /dev/null; exec sleep 1000', { input: broken() })
  await assert.rejects(running, { message: 'the disk is gone' })
})

test('what a program leaves running, without its output, is left alone', async () => {
  const { status } = await shell('sleep 1000 > /dev/null & echo $! > left')
  assert.equal(status, 0)
  const [pid = 0] = await pids('left', 1)
  assert.ok(process.kill(pid, 'SIGKILL'), 'it had ended')
})
