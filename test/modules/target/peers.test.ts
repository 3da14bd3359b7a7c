import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { unless } from '../../scenario/programs.ts'
import { certificate } from '../../support/certificates.ts'
import { relaying } from './support.ts'

/** Lines of every kind that a server might trip over. */
const content = `Subject: x\r\n\r\n.\r\n..\r\n.a\r\n${'x'.repeat(900)}\r\n\r\n`.concat('y\r\n'.repeat(40_000))
const stuffed = content.replace(/^\./gm, '..')

/** The package smtp-server as it is, and what it has received. */
const packaged = async (options: SMTPServerOptions) => {
  const contents: string[] = []
  const users: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    ...options,
    onAuth({ username, password }, _session, done) {
      users.push(`${username} ${password}`)
      done(null, { user: username })
    },
    async onData(stream, _session, done) {
      const chunks = await Array.fromAsync(stream)
      contents.push(Buffer.concat(chunks).toString())
      done()
    },
  })
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  return {
    port: (server.server.address() as AddressInfo).port,
    contents,
    users,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

test('the package smtp-server gets the message whole, over TLS, from who has logged in', async () => {
  const authority = await certificate({ names: ['authority'], authority: true })
  const own = await certificate({ issuer: authority })
  await using next = await packaged({ ...own })
  const directives = 'auth login ann secret\ntls_client {\nroot_ca ca.pem\n}'
  const files = { 'ca.pem': authority.cert }
  await using relay = await relaying(`smtp tcp://127.0.0.1:${next.port} {\n${directives}\n}`, { files })
  assert.equal(
    (await relay.send(['b@to.example', 'c@to.example'], { content: stuffed })).at(-1),
    '250 2.0.0 OK: queued',
  )
  assert.ok(next.contents[0]?.endsWith(content))
  assert.deepEqual(next.users, ['ann secret'])
})

test('the package smtp-server gets the message whole over LMTP', async () => {
  await using next = await packaged({ lmtp: true, disabledCommands: ['STARTTLS', 'AUTH'] })
  await using relay = await relaying(`lmtp tcp://127.0.0.1:${next.port}`)
  assert.equal(
    (await relay.send(['b@to.example', 'c@to.example'], { content: stuffed })).at(-1),
    '250 2.0.0 OK: queued',
  )
  assert.ok(next.contents[0]?.endsWith(content))
})

/** A port that is free now. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when somebody listens there; rejects when the program that should has ended. */
const listening = async (port: number, program: ChildProcess): Promise<void> => {
  for (;;) {
    if (program.exitCode !== null) throw new Error(`the program ended with status ${program.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const reached = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (reached) return
  }
}

for (const [target, options] of [
  ['smtp', []],
  ['smtp', ['-p']],
  ['smtp', ['-e']],
  ['lmtp', ['-L']],
] as const) {
  const how = options.length > 0 ? ` started with ${options.join(' ')}` : ''
  test(`Postfix's smtp-sink${how} gets the message whole by ${target}`, unless('smtp-sink'), async () => {
    await using held = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-sink-'))
    held.defer(() => rm(directory, { recursive: true, force: true }))
    const port = await freePort()
    await chmod(directory, 0o777)
    // Of root, it asks to become somebody else.
    const place =
      process.getuid?.() === 0 ? ['-u', 'nobody', '-R', directory, '-d', 'mail.'] : ['-d', `${directory}/mail.`]
    const sink = spawn('smtp-sink', [...options, ...place, `127.0.0.1:${port}`, '10'])
    const ended = once(sink, 'close')
    held.defer(async () => {
      sink.kill()
      await ended
    })
    await listening(port, sink)
    await using relay = await relaying(`${target} tcp://127.0.0.1:${port} {\nstarttls no\n}`)
    const replies = await relay.send(['b@to.example', 'c@to.example'], { content: stuffed })
    assert.equal(replies.at(-1), '250 2.0.0 OK: queued')
    const files = await readdir(directory)
    const texts = await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')))
    const lines = content.replaceAll('\r\n', '\n').trimEnd()
    assert.ok(texts.some((text) => text.replaceAll('\r\n', '\n').includes(lines)))
  })
}
