import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { serve, type TestServer } from '../support/server.ts'
import { dial } from '../support/wire.ts'
import { unless } from './programs.ts'

/** What every spam filter knows (GTUBE), and what rspamd makes of it with another first letter when it is told to. */
const gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'

const held = new AsyncDisposableStack()
let server: TestServer

/** A port that nobody listens on. */
const freePort = async (): Promise<number> => {
  const trial = createServer().listen(0, '127.0.0.1')
  await once(trial, 'listening')
  const address = trial.address()
  trial.close()
  await once(trial, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** Of rspamd, nothing but what every message goes through: no rules, no DNS, nothing that is kept. */
const configuration = (folder: string, port: number): string => `
  options {
    pidfile = "${folder}/rspamd.pid";
    tempdir = "${folder}";
    control_socket = "${folder}/rspamd.sock mode=0600";
    cache_file = "${folder}/symbols.cache";
    hs_cache_dir = "${folder}/";
    url_tld = "${folder}/tld";
    filters = "";
    enable_test_patterns = true;
    dns { nameserver = "127.0.0.1:1"; }
  }
  logging { type = "console"; level = "info"; }
  worker "normal" { bind_socket = "127.0.0.1:${port}"; count = 1; }
  actions { reject = 15; add_header = 6; greylist = 4; }
`

/** Starts rspamd; it is stopped with `held`. Resolves to its port once it answers. */
const startRspamd = async (): Promise<number> => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-rspamd-'))
  held.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  await chmod(folder, 0o777) // of the user that root makes it run as
  const port = await freePort()
  await writeFile(join(folder, 'tld'), 'com\norg\nexample\n')
  await writeFile(join(folder, 'rspamd.conf'), configuration(folder, port))
  const user = process.getuid?.() === 0 ? ['-u', 'nobody', '-g', 'nogroup'] : []
  const args = ['-f', '-c', join(folder, 'rspamd.conf'), ...user, '--insecure']
  const child = spawn('rspamd', args, { cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  for (const output of [child.stdout, child.stderr]) output.on('data', (data) => said.push(data))
  const ended = once(child, 'close')
  const group = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal)
  }
  held.defer(async () => {
    group('SIGTERM')
    await Promise.race([ended, pause(3_000, undefined, { ref: false })])
    group('SIGKILL')
    await ended
  })
  const deadline = performance.now() + 20_000
  while (true) {
    const answer = await fetch(`http://127.0.0.1:${port}/ping`).catch(() => undefined)
    if ((await answer?.text())?.startsWith('pong')) return port
    const waiting = child.exitCode === null && performance.now() < deadline
    if (!waiting) throw new Error(`rspamd does not answer: ${Buffer.concat(said)}`)
    await pause(50)
  }
}

const options = unless('rspamd')

before(async () => {
  if (options.skip) return
  const port = await startRspamd()
  const conf = `
    hostname mx.test
    tls off
    smtp tcp://127.0.0.1:0 {
      check {
        rspamd http://127.0.0.1:${port} {
          io_error_action reject
          error_resp_action reject
        }
      }
      deliver_to dummy
    }`
  server = held.use(await serve(conf))
})

after(() => held.disposeAsync())

/** The reply to a message with that body. */
const send = async (body: string): Promise<string> => {
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<a@from.example>', '250 *')
  for (const to of ['b@to.example', 'c@to.example']) await client.command(`RCPT TO:<${to}>`, '250 *')
  await client.command('DATA', '354 *')
  client.send(`From: <a@from.example>\r\nSubject: x\r\n\r\n${body}\r\n.\r\n`)
  return await client.expect('*')
}

test('a real rspamd lets a plain message through', options, async () => {
  assert.match(await send('Good morning.'), /^250 /)
})

test('a real rspamd rejects what every spam filter rejects', options, async () => {
  assert.match(await send(gtube), /^550 5\.7\.0 Message rejected due to local policy/)
})

test('a real rspamd has a message marked as suspicious', options, async () => {
  assert.match(await send(gtube.replace(/^X/, 'Y')), /^250 /)
  assert.match(await server.log(), /quarantined.*"action":"add header"/)
})

test('a real rspamd reads a message of megabytes', options, async () => {
  assert.match(await send(`${'word '.repeat(14)}\r\n`.repeat(30_000)), /^250 /)
})
