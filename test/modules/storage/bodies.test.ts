import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { serve } from '../../support/server.ts'
import type { SqlStorage } from './support.ts'
import { all, bytes, deliver, open, select, simple } from './support.ts'

const long = 'a line that repeats itself\n'.repeat(3000)

for (const store of ['sql', 'fs messages']) {
  for (const compression of ['lz4', 'lz4 9', 'zstd', 'zstd 19', 'off']) {
    test(`msg_store ${store}, compression ${compression}: what is read is what was delivered`, async () => {
      await using made = await open(`msg_store ${store}\ncompression ${compression}`)
      await made.storage.create('b@x.org', [])
      await deliver(made.storage, ['b@x.org'], simple('small'))
      await deliver(made.storage, ['b@x.org'], simple('long', long.repeat(20)))
      await using inbox = await select(made.storage, 'b@x.org')
      assert.match(await bytes(await inbox.content(1)), /\r\n\r\ntext\r\n$/)
      const content = await inbox.content(2)
      const text = await bytes(content)
      assert.ok(text.endsWith(long.repeat(20).replaceAll('\n', '\r\n')))
      assert.equal(text.length, content.size)
      const part = Buffer.concat(await Array.fromAsync(content.read(1_000_000, 5000))).toString()
      assert.equal(part, text.slice(1_000_000, 1_005_000))
      using db = new DatabaseSync(join(made.directory, 'imapsql.db'))
      const algorithms = db
        .prepare('SELECT compressalgo FROM msgs')
        .all()
        .map((row) => row.compressAlgo)
      const [algorithm = ''] = compression.replace('off', '').split(' ')
      assert.deepEqual(algorithms, [algorithm, algorithm])
    })
  }
}

test('an LZ4 body of the usual program can be read, and it can read ours', { skip: !has('lz4') }, async () => {
  await using made = await open('msg_store fs messages\ncompression lz4')
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'], simple('long', long))
  const [name = ''] = await readdir(join(made.directory, 'messages'))
  const file = join(made.directory, 'messages', name)
  const plain = execFileSync('lz4', ['-dc'], { input: await readFile(file) })
  await using inbox = await select(made.storage, 'b@x.org')
  assert.equal(plain.toString(), await bytes(await inbox.content(1)))
  await writeFile(file, execFileSync('lz4', ['-9', '-c', '--content-size'], { input: plain }))
  assert.equal(plain.toString(), await bytes(await inbox.content(1)))
})

function has(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

test('after compression and store of files are changed, old messages are read as they were written', async () => {
  const conf = (more: string) =>
    `storage.imapsql local {\n driver sqlite3\n dsn imapsql.db\n ${more}\n}\nimap tcp://127.0.0.1:0 {\n tls off\n auth dummy\n storage &local\n}`
  await using server = await serve(conf('compression zstd'))
  const first = (await server.find('local', Accounts)) as SqlStorage
  await first.create('b@x.org', [])
  await deliver(first, ['b@x.org'], simple('one', long))
  await server.reload(conf('compression off'))
  const second = (await server.find('local', Accounts)) as SqlStorage
  await deliver(second, ['b@x.org'], simple('two', long))
  await using inbox = await select(second, 'b@x.org')
  for (const uid of [1, 2]) assert.ok((await bytes(await inbox.content(uid))).endsWith(long.replaceAll('\n', '\r\n')))
})

test('fsstore is another way to say where the files are', async () => {
  await using made = await open('fsstore bodies')
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'])
  assert.equal((await readdir(join(made.directory, 'bodies'))).length, 1)
})

test('files of bodies, their folder and the database are for their owner alone', async () => {
  await using made = await open('msg_store fs messages')
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'])
  const folder = join(made.directory, 'messages')
  const [name = ''] = await readdir(folder)
  const modes = [folder, join(folder, name), join(made.directory, 'imapsql.db')]
  assert.deepEqual(await Promise.all(modes.map(async (path) => (await stat(path)).mode & 0o777)), [0o700, 0o600, 0o600])
})

test('a body that is missing, or not as long as it was, is corrupt, and other messages are not affected', async () => {
  await using made = await open('msg_store fs messages')
  await made.storage.create('b@x.org', [])
  for (const subject of ['one', 'two', 'three']) await deliver(made.storage, ['b@x.org'], simple(subject))
  await using inbox = await select(made.storage, 'b@x.org')
  const folder = join(made.directory, 'messages')
  const [first = '', second = ''] = (await readdir(folder)).sort()
  await rm(join(folder, first))
  await writeFile(join(folder, second), 'short')
  for (const uid of [1, 2]) await assert.rejects(inbox.content(uid), { name: 'StorageError', kind: 'corrupt' })
  assert.match(await bytes(await inbox.content(3)), /three/)
  assert.match(await readFile(join(made.directory, 'log'), 'utf8'), new RegExp(first))
})

test('a body that could not be deleted, the process having died, is deleted at the next start', async () => {
  const conf = (name: string) =>
    `storage.imapsql local {\n driver sqlite3\n dsn imapsql.db\n junk_mailbox ${name}\n}\nimap tcp://127.0.0.1:0 {\n tls off\n auth dummy\n storage &local\n}`
  await using server = await serve(conf('A'))
  const storage = (await server.find('local', Accounts)) as SqlStorage
  await storage.create('b@x.org', [])
  await deliver(storage, ['b@x.org'])
  const folder = join(server.directory, 'messages')
  const [name = ''] = await readdir(folder)
  await using inbox = await select(storage, 'b@x.org')
  await inbox.store(all, 'add', ['\\Deleted'])
  await inbox.expunge()
  using db = new DatabaseSync(join(server.directory, 'imapsql.db'))
  await writeFile(join(folder, name), 'left behind')
  db.exec(`INSERT INTO tsmaddy_doomed VALUES ('${name}')`)
  await server.reload(conf('B'))
  while ((await readdir(folder)).length > 0) await new Promise((resolve) => setImmediate(resolve))
  while (db.prepare('SELECT * FROM tsmaddy_doomed').all().length > 0)
    await new Promise((resolve) => setImmediate(resolve))
})

test('a body whose message was never added is removed once it is a day old, and no body of anybody else', async () => {
  const conf = (name: string) =>
    `storage.imapsql local {\n driver sqlite3\n dsn imapsql.db\n junk_mailbox ${name}\n}\nimap tcp://127.0.0.1:0 {\n tls off\n auth dummy\n storage &local\n}`
  await using server = await serve(conf('A'))
  const storage = (await server.find('local', Accounts)) as SqlStorage
  await storage.create('b@x.org', [])
  await deliver(storage, ['b@x.org'])
  const folder = join(server.directory, 'messages')
  const [kept = ''] = await readdir(folder)
  using db = new DatabaseSync(join(server.directory, 'imapsql.db'))
  const lease = 'abcdef01'
  db.exec(`INSERT INTO tsmaddy_leases VALUES ('${lease}', 0)`)
  const old = new Date(Date.now() - 25 * 60 * 60 * 1000)
  const make = async (name: string, modified: Date) => {
    await writeFile(join(folder, name), 'x')
    await utimes(join(folder, name), modified, modified)
  }
  const orphan = `${'0'.repeat(12)}${lease}${'1'.repeat(12)}`
  const young = `${'0'.repeat(12)}${lease}${'2'.repeat(12)}`
  const foreign = `${'0'.repeat(12)}12345678${'3'.repeat(12)}`
  await make(orphan, old)
  await make(young, new Date())
  await make(foreign, old)
  await utimes(join(folder, kept), old, old)
  await server.reload(conf('B'))
  while ((await readdir(folder)).includes(orphan)) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual((await readdir(folder)).sort(), [foreign, kept, young].sort())
})
