import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { zone } from '../../core/kit/dns/memory.ts'
import { verifyDkim } from '../../core/kit/mail_auth/dkim.ts'
import { memoryBody, parseHeader, splitMessage } from '../../core/kit/message/index.ts'
import { type MailServer, mailServer } from '../modules/check/mail_server.ts'
import { unless } from './programs.ts'

/** A folder that the programs may write to, whoever they run as. */
const folder = async (): Promise<{ readonly path: string } & AsyncDisposable> => {
  const path = await mkdtemp(join(tmpdir(), 'tsmaddy-milter-'))
  await chmod(path, 0o777)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

/** Runs a program until it is disposed of; resolves once something listens at that address. */
const running = async (
  program: string,
  args: readonly string[],
  cwd: string,
  address: string | number,
  end: NodeJS.Signals = 'SIGTERM',
): Promise<AsyncDisposable> => {
  const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: Buffer[] = []
  for (const output of [child.stdout, child.stderr]) output.on('data', (data) => said.push(data))
  const ended = once(child, 'close')
  const group = (signal: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, signal)
  }
  const stop = async () => {
    group(end)
    await Promise.race([ended, pause(3_000, undefined, { ref: false })])
    group('SIGKILL')
    await ended
  }
  const deadline = performance.now() + 20_000
  while (!(await listens(address))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await stop()
      throw new Error(`${program} does not answer: ${Buffer.concat(said)}`)
    }
    await pause(50)
  }
  return { [Symbol.asyncDispose]: stop }
}

const listens = (address: string | number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})

const record = `v=DKIM1; k=rsa; p=${keys.publicKey.toString('base64')}`

/** A server whose mail goes by opendkim, with those lines in its configuration. */
const withOpendkim = async (lines: string): Promise<{ readonly server: MailServer } & AsyncDisposable> => {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await folder())
  const socket = join(path, 'opendkim.sock')
  await writeFile(join(path, 'key.pem'), keys.privateKey, { mode: 0o600 })
  await writeFile(join(path, 'dns'), `sel._domainkey.from.example ${record}\n`)
  const common = `Syslog no
Socket local:${socket}
PidFile ${path}/pid
RequireSafeKeys no
TestDNSData file:${path}/dns
`
  await writeFile(join(path, 'opendkim.conf'), common + lines.replaceAll('KEY', join(path, 'key.pem')))
  // It has nothing to lose, and takes seconds to end when it is asked to.
  stack.use(await running('opendkim', ['-f', '-x', join(path, 'opendkim.conf')], path, socket, 'SIGKILL'))
  const server = stack.use(await mailServer(`milter unix://${socket}`))
  const held = stack.move()
  return { server, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

const signing = (canonicalization: string): string =>
  `Mode s\nDomain from.example\nSelector sel\nKeyFile KEY\nCanonicalization ${canonicalization}\n`

const content = [
  'from: Ann  <a@from.example>',
  'To:b@to.example,',
  '\tc@to.example ',
  'SUBJECT:   two  blanks, and a fold',
  '  with two more',
  'Date: Tue, 03 Mar 2026 09:05:00 +0100',
  'Message-ID: <1@from.example>',
  '',
  'Good  morning. ',
  '..dot',
  '',
  '',
].join('\r\n')

const delivered = async (server: MailServer, text = content): Promise<Buffer> => {
  const [, reply] = await server.send(['b@to.example'], text)
  assert.match(reply ?? '', /^250 /)
  const [message] = await server.messages('INBOX')
  return Buffer.from(message ?? '')
}

const opendkim = unless('opendkim')

for (const canonicalization of ['simple/simple', 'relaxed/relaxed', 'simple/relaxed']) {
  test(`a signature that opendkim adds with ${canonicalization} holds`, opendkim, async () => {
    await using made = await withOpendkim(signing(canonicalization))
    const message = await delivered(made.server)
    const { bodyStart } = splitMessage(message)
    const parsed = {
      header: parseHeader(message),
      body: memoryBody(message.subarray(bodyStart)),
      quarantined: false,
    }
    const [result, another] = await verifyDkim(parsed, zone({ 'sel._domainkey.from.example': { TXT: [record] } }), {
      signal: AbortSignal.timeout(5_000),
    })
    assert.equal(result?.value, 'pass', result?.reason)
    assert.equal(another, undefined)
  })
}

const verifying = 'Mode v\nInternalHosts 192.0.2.1\nAlwaysAddARHeader yes\n'

test('opendkim verifies what opendkim has signed', opendkim, async () => {
  await using signer = await withOpendkim(signing('simple/simple'))
  const signed = (await delivered(signer.server)).toString()
  await using verifier = await withOpendkim(verifying)
  const message = await delivered(verifier.server, signed.replace(/\r\n\./g, '\r\n..'))
  assert.match(message.toString(), /Authentication-Results: mx\.test;\s+dkim=pass/)
})

/** A message whose signature no longer holds. */
const spoilt = async (): Promise<string> => {
  await using signer = await withOpendkim(signing('relaxed/relaxed'))
  const signed = (await delivered(signer.server)).toString()
  return signed.replace('morning', 'evening').replace(/\r\n\./g, '\r\n..')
}

test('opendkim tells of a signature that does not hold', opendkim, async () => {
  await using verifier = await withOpendkim(verifying)
  const message = await delivered(verifier.server, await spoilt())
  assert.match(message.toString(), /Authentication-Results: mx\.test;\s+dkim=fail/)
})

test('opendkim refuses what it is told to refuse', opendkim, async () => {
  await using verifier = await withOpendkim(`${verifying}On-BadSignature reject\n`)
  const [, reply] = await verifier.server.send(['b@to.example'], await spoilt())
  assert.match(reply ?? '', /^550 5\.7\.\d+ /)
  assert.deepEqual(await verifier.server.messages('INBOX'), [])
})

/** What every spam filter knows (GTUBE), and what rspamd makes of it with another first letter when it is told to. */
const gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'

const freePort = async (): Promise<number> => {
  const trial = createServer().listen(0, '127.0.0.1')
  await once(trial, 'listening')
  const address = trial.address()
  trial.close()
  await once(trial, 'close')
  return typeof address === 'object' && address ? address.port : 0
}

/** A server whose mail goes by the proxy of rspamd, which scans it itself: no rules, no DNS, nothing that is kept. */
const withRspamd = async (): Promise<{ readonly server: MailServer } & AsyncDisposable> => {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await folder())
  const port = await freePort()
  const conf = `
    options {
      pidfile = "${path}/rspamd.pid";
      tempdir = "${path}";
      control_socket = "${path}/rspamd.sock mode=0600";
      cache_file = "${path}/symbols.cache";
      hs_cache_dir = "${path}/";
      url_tld = "${path}/tld";
      filters = "";
      enable_test_patterns = true;
      dns { nameserver = "127.0.0.1:1"; }
    }
    logging { type = "console"; level = "info"; }
    worker "rspamd_proxy" {
      bind_socket = "127.0.0.1:${port}";
      milter = yes;
      count = 1;
      upstream "local" { default = yes; self_scan = yes; }
    }
    actions { reject = 15; add_header = 6; greylist = 4; }`
  await writeFile(join(path, 'tld'), 'com\norg\nexample\n')
  await writeFile(join(path, 'rspamd.conf'), conf)
  const user = process.getuid?.() === 0 ? ['-u', 'nobody', '-g', 'nogroup'] : []
  const args = ['-f', '-c', join(path, 'rspamd.conf'), ...user, '--insecure']
  stack.use(await running('rspamd', args, path, port))
  const server = stack.use(await mailServer(`milter tcp://127.0.0.1:${port}`))
  const held = stack.move()
  return { server, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

test('rspamd as a filter passes, marks and refuses mail', unless('rspamd'), async () => {
  await using made = await withRspamd()
  const mail = (text: string) => `From: <a@from.example>\r\nSubject: x\r\n\r\n${text}\r\n`
  const [, passed] = await made.server.send(['b@to.example'], mail('Good morning.'))
  assert.match(passed ?? '', /^250 /)
  const [, marked] = await made.server.send(['c@to.example'], mail(gtube.replace(/^X/, 'Y')))
  assert.match(marked ?? '', /^250 /)
  const [, refused] = await made.server.send(['b@to.example'], mail(gtube))
  assert.match(refused ?? '', /^554 5\.7\.1 Gtube pattern/)
  const [clean] = await made.server.messages('INBOX', 'b@to.example')
  assert.doesNotMatch(clean ?? '', /X-Spam/)
  const [spam] = await made.server.messages('INBOX', 'c@to.example')
  assert.match(spam ?? '', /X-Spam: Yes/)
})
