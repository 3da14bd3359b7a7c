import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { echoPackage } from '../support/echo.ts'
import { folder, Line, ServerProcess, tsmaddy, until } from '../support/process.ts'

const top = 'state_dir state\nruntime_dir run\n'
const conf = (rest = 'echo tcp://127.0.0.1:0\n') => `${top}${rest}`

const server = (text = conf(), options: Parameters<typeof ServerProcess.start>[1] = {}) =>
  ServerProcess.fresh({ ...echoPackage, 'tsmaddy.conf': text }, options)

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} lets sessions say goodbye and ends the process with status 0`, async () => {
    await using running = await server()
    await using client = await running.dial()
    assert.equal(await client.next(), 'hello')
    running.signal(signal)
    assert.equal(await client.next(), 'bye')
    assert.equal(await running.ended(), 0)
  })
}

test('a stop cuts off sessions that go on after their grace', async () => {
  await using running = await server(conf('echo tcp://127.0.0.1:0 {\n grace 50ms\n deaf\n}\n'))
  await using client = await running.dial()
  await client.next()
  running.signal('SIGTERM')
  assert.equal(await client.next(), undefined)
  assert.equal(await running.ended(), 0)
})

test('two stop signals at once are one: a terminal and npm both pass Ctrl-C on', async () => {
  await using running = await server()
  await using client = await running.dial()
  await client.next()
  running.signal('SIGINT')
  running.signal('SIGINT')
  assert.equal(await running.ended(), 0)
})

test('a stop signal that comes again later ends the process at once, with status 1', async () => {
  await using running = await server(conf('echo tcp://127.0.0.1:0 {\n deaf\n}\n'))
  await using client = await running.dial()
  await client.next()
  const signals = setInterval(() => running.signal('SIGTERM'), 100)
  const status = await running.ended().finally(() => clearInterval(signals))
  assert.equal(status, 1)
})

test('the control socket tells version, sessions and memory', async () => {
  await using running = await server()
  await using client = await running.dial()
  await client.next()
  const { version, pid, sessions, memory } = await running.status()
  assert.match(version, /^\d+\.\d+\.\d+$/)
  assert.equal(pid, running.pid)
  assert.deepEqual(sessions, { 'tcp://127.0.0.1:0': 1 })
  assert.ok(memory.rss > 1_000_000)
})

test('the line that says that the server has started begins its line and names the version', async () => {
  await using running = await server()
  assert.match(running.stderr(), /^server started\t\{"version":"\d+\.\d+\.\d+"\}$/m)
})

test('SIGUSR2 puts the file in force as it is now', async () => {
  await using running = await server()
  await running.write(conf('echo tcp://127.0.0.1:0 {\n greeting changed\n}\n'))
  running.signal('SIGUSR2')
  await running.said(/^new server started\t/m)
  await using client = await running.dial()
  assert.equal(await client.next(), 'changed')
})

test('after a reload an address is served by the same socket', async () => {
  await using running = await server()
  const before = await running.status()
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  assert.deepEqual((await running.status()).listeners, before.listeners)
})

test('a session goes on with the configuration it began with', async () => {
  await using running = await server()
  await using client = await running.dial()
  await client.next()
  await running.write(conf('echo tcp://127.0.0.1:0 {\n greeting changed\n}\n'))
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  client.send('still here')
  assert.equal(await client.next(), 'still here')
})

test('an address that a reload drops is no longer listened on', async () => {
  await using running = await server(conf('echo tcp://127.0.0.1:0 tcp://127.0.0.1:0\n'))
  const port = (await running.status()).listeners[1]?.port ?? 0
  await running.write(conf())
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  await assert.rejects(Line.dial(port), /ECONNREFUSED/)
})

test('sessions whose instances a reload keeps are not asked to stop when their old graph retires', async () => {
  const kept = (greeting: string) =>
    conf(`storage.holder kept\necho tcp://127.0.0.1:0 {\n storage &kept\n grace 1ms\n greeting ${greeting}\n}\n`)
  await using running = await server(kept('one'))
  await using client = await running.dial()
  assert.equal(await client.next(), 'one')
  await running.write(kept('two'))
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  await until(async () => (await running.status()).retiring === 0, 'the old configuration to retire')
  client.send('still here')
  assert.equal(await client.next(), 'still here')
  running.signal('SIGTERM')
  assert.equal(await client.next(), 'bye')
  assert.equal(await running.ended(), 0)
})

test('sessions whose instances a reload does not keep are asked to stop once their grace is over', async () => {
  const changed = (note: string) =>
    conf(`storage.holder kept {\n note ${note}\n}\necho tcp://127.0.0.1:0 {\n storage &kept\n grace 1ms\n}\n`)
  await using running = await server(changed('one'))
  await using client = await running.dial()
  await client.next()
  await running.write(changed('two'))
  running.signal('SIGUSR2')
  assert.equal(await client.next(), 'bye')
})

const broken: Readonly<Record<string, readonly [conf: string, said: RegExp]>> = {
  'a file that cannot be parsed': ['echo {\n', /tsmaddy\.conf:3:6: .*not closed/],
  'an unknown module': ['ecko tcp://127.0.0.1:0\n', /no module is called ecko; did you mean echo\?/],
  'an unknown directive': ['echo tcp://127.0.0.1:0 {\n greting x\n}\n', /4:2: echo has no directive greting; did you/],
  'an instance that does not start': ['broken\n', /3:1: it never starts/],
  'an instance that finds something missing': ['broken {\n only_inspect\n}\n', /3:1: it was inspected/],
  'a log that cannot be opened': [`log no/such/folder/file\necho tcp://127.0.0.1:0\n`, /3:1: log cannot be opened/],
  'the same address twice': [
    'echo tcp://127.0.0.1:1025 tls://127.0.0.1:1025\n',
    /3:27: tls:.*is listened on already, at .*:3:6/,
  ],
}
for (const [what, [text, said]] of Object.entries(broken)) {
  test(`${what} leaves the running configuration in force and is named in the log`, async () => {
    await using running = await server()
    await using client = await running.dial()
    await client.next()
    await running.write(conf(text))
    running.signal('SIGUSR2')
    await running.said(/^the configuration is not exchanged/m)
    assert.match(running.stderr(), said)
    client.send('old session')
    assert.equal(await client.next(), 'old session')
    await using another = await running.dial()
    assert.equal(await another.next(), 'hello')
  })
}

test('a busy port leaves the running configuration in force, and nothing new stays bound', async () => {
  await using running = await server()
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  const { port } = busy.address() as { port: number }
  try {
    await running.write(conf(`echo tcp://127.0.0.1:0\necho tcp://127.0.0.1:0 tcp://127.0.0.1:${port}\n`))
    running.signal('SIGUSR2')
    await running.said(/^the configuration is not exchanged/m)
    assert.match(running.stderr(), new RegExp(`4:1: cannot listen on tcp://127.0.0.1:${port}: the address is in use`))
    await using client = await running.dial()
    assert.equal(await client.next(), 'hello')
  } finally {
    busy.close()
  }
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
})

test('reload requests that come during a reload are met by one more', async () => {
  await using running = await server()
  const asked = await Promise.all(
    Array.from({ length: 6 }, () => tsmaddy(['-config', 'tsmaddy.conf', 'reload'], { cwd: running.directory })),
  )
  assert.deepEqual(
    asked.map(({ status }) => status),
    [0, 0, 0, 0, 0, 0],
  )
})

test('tsmaddy reload tells of progress and ends with 0', async () => {
  await using running = await server()
  const done = await tsmaddy(['reload', '-config', 'tsmaddy.conf'], { cwd: running.directory })
  assert.equal(done.status, 0)
  assert.match(done.stderr, /^loading the configuration\nstarting\nreloaded\n$/)
})

test('tsmaddy reload names everything that is wrong and ends with 1', async () => {
  await using running = await server()
  await running.write(conf('echo tcp://127.0.0.1:0 {\n one\n two\n}\n'))
  const done = await tsmaddy(['reload', '-config', 'tsmaddy.conf'], { cwd: running.directory })
  assert.equal(done.status, 1)
  assert.match(done.stderr, /4:2: echo has no directive one\n.*5:2: echo has no directive two/)
})

test('tsmaddy reload reaches the server also when the file cannot be parsed', async () => {
  await using running = await server()
  await running.write(conf('echo {\n'))
  const done = await tsmaddy(['reload', '-config', 'tsmaddy.conf'], { cwd: running.directory })
  assert.equal(done.status, 1)
  assert.match(done.stderr, /tsmaddy\.conf:3:6: .*not closed/)
})

test('tsmaddy reload says when no server runs, and ends with 1', async () => {
  await using place = await folder({ ...echoPackage, 'tsmaddy.conf': conf() })
  const done = await tsmaddy(['reload', '-config', 'tsmaddy.conf'], { cwd: place.path })
  assert.equal(done.status, 1)
  assert.match(done.stderr, /^Error: no server answers at .*run\/control\.sock/)
})

test('the control socket is for its owner alone and goes with the process', async () => {
  await using running = await server()
  const path = join(running.directory, 'run', 'control.sock')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  running.signal('SIGTERM')
  await running.ended()
  await assert.rejects(stat(path), /ENOENT/)
})

test('auto_reload follows changes of a file that is imported', async () => {
  await using place = await folder({
    ...echoPackage,
    'tsmaddy.conf': conf('auto_reload\nimport part.conf\n'),
    'part.conf': 'echo tcp://127.0.0.1:0\n',
  })
  await using running = await ServerProcess.start(place.path)
  await writeFile(join(place.path, 'part.conf'), 'echo tcp://127.0.0.1:0 {\n greeting changed\n}\n')
  await running.said(/^new server started/m)
  await using client = await running.dial()
  assert.equal(await client.next(), 'changed')
})

test('auto_reload follows changes of a file that a refused configuration has brought in', async () => {
  await using place = await folder({
    ...echoPackage,
    'tsmaddy.conf': conf('auto_reload\necho tcp://127.0.0.1:0\n'),
    'more/new.conf': 'echo tcp://127.0.0.1:0 {\n greting changed\n}\n',
  })
  await using running = await ServerProcess.start(place.path)
  await writeFile(join(place.path, 'tsmaddy.conf'), conf('auto_reload\nimport more/new.conf\n'))
  await running.said(/^the configuration is not exchanged/m)
  await writeFile(join(place.path, 'more/new.conf'), 'echo tcp://127.0.0.1:0 {\n greeting changed\n}\n')
  await running.said(/^new server started/m)
  await using client = await running.dial()
  assert.equal(await client.next(), 'changed')
})

test('SIGUSR1 writes to new log files, so that the old ones can be moved away', async () => {
  await using running = await server(conf('log file.log stderr\necho tcp://127.0.0.1:0\n'))
  await rename(join(running.directory, 'file.log'), join(running.directory, 'moved.log'))
  running.signal('SIGUSR1')
  await until(
    () =>
      running.read('file.log').then(
        () => true,
        () => false,
      ),
    'the new file',
  )
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  assert.match(await running.read('file.log'), /Z new server started\t/)
  assert.doesNotMatch(await running.read('moved.log'), /new server started/)
})

test('a log directive takes over from the command line, with times in a file', async () => {
  await using running = await server(conf('log file.log stderr\necho tcp://127.0.0.1:0\n'))
  assert.match(await running.read('file.log'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z server started\t\{/m)
})

test('what a session throws is logged, and the next client is served', async () => {
  await using running = await server()
  await using client = await running.dial()
  await client.next()
  client.send('crash')
  assert.equal(await client.next(), undefined)
  await running.said(/^session failed\t.*"reason":"crashed as asked"/m)
  await using another = await running.dial()
  assert.equal(await another.next(), 'hello')
})

for (const [word, event] of [
  ['throw', 'uncaught exception'],
  ['reject', 'unhandled rejection'],
] as const) {
  test(`an ${event} is logged with its stack, and the server goes on`, async () => {
    await using running = await server()
    await using client = await running.dial()
    await client.next()
    client.send(word)
    await running.said(new RegExp(`^${event}\\t.*"stack":".*echo\\.js`, 'm'))
    await using another = await running.dial()
    assert.equal(await another.next(), 'hello')
  })
}

test('debug lines are printed with -debug and follow the nearest explicit setting', async () => {
  await using running = await server(
    conf('echo tcp://127.0.0.1:0\necho tcp://127.0.0.1:0 {\n debug no\n greeting silent\n}\n'),
    { args: ['-config', 'tsmaddy.conf', '-debug', 'run'] },
  )
  await using silent = await running.dial(1)
  await silent.next()
  await using loud = await running.dial(0)
  await loud.next()
  await running.said(/^\[debug\] echo: session\t\{"greeting":"hello"\}$/m)
  assert.doesNotMatch(running.stderr(), /silent/)
})

test('a configuration error ends run with status 2, each problem on a line of its own', async () => {
  await using place = await folder({
    ...echoPackage,
    'tsmaddy.conf': conf('echo tcp://127.0.0.1:0 {\n one\n two\n}\n'),
  })
  const done = await tsmaddy(['-config', 'tsmaddy.conf', 'run'], { cwd: place.path })
  assert.equal(done.status, 2)
  assert.match(done.stderr, /^configuration error: .*4:2: echo has no directive one\t\nconfiguration error: .*5:2:/m)
})

test('a failure to start ends run with status 1', async () => {
  await using place = await folder({ ...echoPackage, 'tsmaddy.conf': conf('broken\n') })
  const done = await tsmaddy(['-config', 'tsmaddy.conf', 'run'], { cwd: place.path })
  assert.equal(done.status, 1)
  assert.match(done.stderr, /it never starts/)
})

test('run reads MADDY_CONFIG when no option names a file', async () => {
  await using running = await server(conf(), { args: ['run'], env: { MADDY_CONFIG: 'tsmaddy.conf' } })
  assert.match(running.stderr(), /server started/)
})

test('options of the program are taken after the command as well, with one dash or two', async () => {
  await using running = await server(conf(), { args: ['run', '--config=tsmaddy.conf', '-log', 'stderr,other.log'] })
  assert.match(await running.read('other.log'), /server started/)
})

test('run creates its directories for their owner alone', async () => {
  await using running = await server()
  for (const name of ['state', 'run']) {
    assert.equal((await stat(join(running.directory, name))).mode & 0o777, 0o700)
  }
})

test('the server outlives a lack of file descriptors', async (t) => {
  await using running = await server()
  const { port = 0 } = (await running.status()).listeners[0] ?? {}
  const open = (await readdir(`/proc/${running.pid}/fd`).catch(() => [])).length
  const limited = spawnSync('prlimit', ['--pid', `${running.pid}`, `--nofile=${open + 5}:${open + 5}`])
  if (open === 0 || limited.status !== 0) return t.skip('the limit of another process cannot be changed here')
  const clients = await Promise.all(Array.from({ length: 20 }, () => Line.dial(port)))
  const greeted = await Promise.all(clients.map((client) => client.next()))
  assert.ok(greeted.includes('hello') && greeted.includes(undefined))
  for (const client of clients) client.socket.destroy()
  await until(async () => {
    await using client = await Line.dial(port)
    return (await client.next()) === 'hello'
  }, 'a client to be served again')
})

test('a reload that names another runtime directory moves the control socket, and the request is still answered', async () => {
  await using running = await server()
  await running.write('state_dir state\nruntime_dir other\necho tcp://127.0.0.1:0\n')
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  const done = await tsmaddy(['reload', '-config', 'tsmaddy.conf'], { cwd: running.directory })
  assert.equal(done.status, 0)
})

test('a stop that comes during a reload waits for it and then ends the process', async () => {
  await using running = await server()
  running.signal('SIGUSR2')
  running.signal('SIGTERM')
  assert.equal(await running.ended(), 0)
})

test('systemd hears READY again after a reload, also after one that failed', async () => {
  await using place = await folder({
    ...echoPackage,
    'tsmaddy.conf': conf(),
    'bin/systemd-notify': '#!/bin/sh\necho "$1" >> told\n',
  })
  await chmod(join(place.path, 'bin/systemd-notify'), 0o755)
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', PATH: `${place.path}/bin:${process.env.PATH}` }
  await using running = await ServerProcess.start(place.path, { env })
  running.signal('SIGUSR2')
  await running.said(/^new server started/m)
  await running.write(conf('nothing\n'))
  running.signal('SIGUSR2')
  await running.said(/^the configuration is not exchanged/m)
  running.signal('SIGTERM')
  assert.equal(await running.ended(), 0)
  const told = (await running.read('told')).trim().split('\n')
  assert.deepEqual(told, ['READY=1', 'RELOADING=1', 'READY=1', 'RELOADING=1', 'READY=1', 'STOPPING=1'])
})
