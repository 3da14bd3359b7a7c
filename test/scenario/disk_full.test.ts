import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmtpClient, SmtpRefusal } from '../bench/load/smtp_client.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { dotStuffed, everyMessage, login, mailServer, messageOf, user } from './support.ts'

/** A file system in memory, of that many megabytes. */
const mount = (folder: string, megabytes: number): void => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tsmaddy-test', folder], { stdio: 'ignore' })
}

const unmount = (folder: string): void => {
  execFileSync('umount', [folder], { stdio: 'ignore' })
}

/** Why the tests of this file cannot run here; false when they can. */
const obstacle = (): string | false => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root of Linux may mount a file system'
  const folder = mkdtempSync(join(tmpdir(), 'tsmaddy-'))
  try {
    mkdirSync(join(folder, 'small'))
    mount(join(folder, 'small'), 1)
    unmount(join(folder, 'small'))
    return false
  } catch {
    return 'a file system cannot be mounted here'
  } finally {
    rmdirSync(join(folder, 'small'))
    rmdirSync(folder)
  }
}

/** A disk of its own for a server, with a file on it that can go to make room. */
const smallDisk = async () => {
  await using held = new AsyncDisposableStack()
  const folder = held.use(await newFolder())
  const path = join(folder.path, 'small')
  await mkdir(path)
  mount(path, 32)
  held.defer(() => unmount(path))
  const ballast = join(path, 'ballast')
  await writeFile(ballast, Buffer.alloc(18_000_000)) // SQLite needs room for what waits in its log
  const kept = held.move()
  return { path, makeRoom: () => rm(ballast), [Symbol.asyncDispose]: () => kept.disposeAsync() }
}

/** Sends messages until one is refused. Resolves to how, and adds those that were accepted. */
const fill = async (port: number, size: number, accepted: Map<string, string>): Promise<number> => {
  for (let number = 0; number < 10_000; number++) {
    using client = await SmtpClient.open(port)
    await client.expect('EHLO client.example', 250)
    const id = `${accepted.size}.${size}@full.example`
    const content = messageOf(id, size)
    try {
      await client.deliver('sender@example.org', user, dotStuffed(content))
      accepted.set(id, content)
    } catch (error) {
      if (error instanceof SmtpRefusal) return error.reply.code
      throw error
    }
  }
  throw new Error('the disk does not fill up')
}

for (const { name, store } of [
  { name: 'in the database', store: 'sql' },
  { name: 'in files', store: 'fs messages' },
]) {
  test(`on a full disk mail waits at its senders, and nothing is lost, with bodies ${name}`, {
    skip: obstacle(),
  }, async () => {
    await using disk = await smallDisk()
    await using server = await RunningServer.start(disk.path, mailServer({ store }))
    const [smtp = 0, imap = 0] = await server.ports()
    using reader = await login(imap)
    const accepted = new Map<string, string>()

    for (const size of [200_000, 20_000, 1_000]) {
      const code = await fill(smtp, size, accepted)
      assert.ok(code === 451 || code === 452, `the reply is ${code}`)
    }
    const draft = messageOf('draft@full.example', 200_000)
    const refused = await reader.command(`APPEND INBOX {${draft.length}+}\r\n${draft}`)
    assert.equal(refused.status, 'NO')
    await reader.ok('NOOP')
    const readable = new Map((await everyMessage(reader)).map(({ id, content }) => [id, content]))
    for (const [id, content] of accepted) assert.ok(readable.get(id) === content, `${id} cannot be read`)

    await disk.makeRoom()
    using sender = await SmtpClient.open(smtp)
    await sender.expect('EHLO client.example', 250)
    const last = messageOf('last@full.example', 200_000)
    await sender.deliver('sender@example.org', user, dotStuffed(last))
    accepted.set('last@full.example', last)
    await reader.ok(`APPEND INBOX {${draft.length}+}\r\n${draft}`)
    accepted.set('draft@full.example', draft)
    const stored = new Map((await everyMessage(reader)).map(({ id, content }) => [id, content]))
    assert.deepEqual([...stored.keys()].sort(), [...accepted.keys()].sort())
    for (const [id, content] of accepted) assert.ok(stored.get(id) === content, `${id} is changed`)
    assert.equal(await server.stop(), 0)
  })
}
