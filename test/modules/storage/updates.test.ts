import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AccountChange, MailboxChange } from '../../../core/index.ts'
import { toLines } from '../../../modules/storage/imapsql/updates/record.ts'
import { newProcess } from './process.ts'
import { account, all, collector, deliver, select } from './support.ts'

/** A folder in which several processes meet over one database. */
const meeting = async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-'))
  const file = join(directory, 'shared.db')
  return {
    enter: () => newProcess(file, directory),
    socket: join(directory, `sql-${createHash('sha1').update(file).digest('hex')}.sock`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

test('what one process does, a session in another is told', async () => {
  await using place = await meeting()
  await using server = await place.enter()
  await server.storage.create('b@x.org', [])
  await using inbox = await select(server.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  await using tool = await place.enter()
  await deliver(tool.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
  assert.deepEqual(seen.told.splice(0), [{ type: 'arrived', own: false, uids: [1], recent: false }])
  await using other = await select(tool.storage, 'b@x.org')
  await other.store(all, 'add', ['\\Deleted', 'kw;x'])
  await seen.until(({ length }) => length > 0)
  const [flags] = seen.told.splice(0)
  assert.deepEqual(flags?.type === 'flags' && flags.messages[0]?.flags.toSorted(), ['\\Deleted', 'kw;x'])
  await other.expunge()
  await seen.until(({ length }) => length > 0)
  assert.equal(seen.told[0]?.type, 'expunged')
})

test('the process that came first hears of the one that came second, and the other way round', async () => {
  await using place = await meeting()
  await using first = await place.enter()
  await first.storage.create('b@x.org', [])
  await using second = await place.enter()
  await using third = await place.enter()
  const boxes = [first, second, third]
  for (const from of boxes) {
    for (const to of boxes) {
      if (from === to) continue
      await using inbox = await select(to.storage, 'b@x.org')
      const seen = collector<MailboxChange>()
      inbox.listen(seen.add)
      await deliver(from.storage, ['b@x.org'])
      await seen.until((told) => told.some(({ type }) => type === 'arrived'))
    }
  }
})

test('mailboxes and accounts that change elsewhere are told of too', async () => {
  await using place = await meeting()
  await using server = await place.enter()
  await server.storage.create('b@x.org', [{ name: 'a' }])
  const owner = await account(server.storage, 'b@x.org')
  const seen = collector<AccountChange>()
  using _watching = owner.watch(seen.add)
  await using box = await owner.select('a', { readOnly: false })
  const changes = collector<MailboxChange>()
  box.listen(changes.add)
  await using tool = await place.enter()
  const same = await account(tool.storage, 'b@x.org')
  await same.create('new')
  await same.rename('a', 'c')
  await same.delete('c')
  await seen.until(({ length }) => length === 3)
  assert.deepEqual(seen.told, [
    { type: 'created', mailbox: 'new' },
    { type: 'renamed', from: 'a', to: 'c' },
    { type: 'deleted', mailbox: 'c' },
  ])
  assert.deepEqual(changes.told, [{ type: 'renamed', name: 'c' }, { type: 'deleted' }])
  const gone = once(owner.gone, 'abort')
  await tool.storage.delete('b@x.org')
  await gone
})

test('a tool that leaves at once has said what it did', async () => {
  await using place = await meeting()
  await using server = await place.enter()
  await server.storage.create('b@x.org', [])
  await using inbox = await select(server.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  {
    await using tool = await place.enter()
    await deliver(tool.storage, ['b@x.org'])
  }
  await seen.until(({ length }) => length > 0)
})

test('when the process that listens goes, another one takes its place', async () => {
  await using place = await meeting()
  await using stack = new AsyncDisposableStack()
  const first = await place.enter()
  await first.storage.create('b@x.org', [])
  const second = stack.use(await place.enter())
  await first[Symbol.asyncDispose]()
  await using inbox = await select(second.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  const third = stack.use(await place.enter())
  await deliver(third.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
})

test('a socket left by a process that was killed is taken over', async () => {
  await using place = await meeting()
  const script = `require('node:net').createServer().listen(${JSON.stringify(place.socket)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok((await stat(place.socket)).isSocket())
  await using server = await place.enter()
  const client = await dial(place.socket)
  client.destroy()
  assert.deepEqual(server.logged, [])
})

test('two that each listen on a socket of their own, one of them removed, find each other and miss nothing', async () => {
  await using place = await meeting()
  await using first = await place.enter()
  await first.storage.create('b@x.org', [])
  await first.storage.create('c@x.org', [])
  await rm(place.socket)
  await using second = await place.enter()
  await using hers = await select(first.storage, 'b@x.org')
  await using his = await select(second.storage, 'c@x.org')
  const [here, there] = [collector<MailboxChange>(), collector<MailboxChange>()]
  hers.listen(here.add)
  his.listen(there.add)
  await deliver(second.storage, ['b@x.org'])
  await deliver(first.storage, ['c@x.org'])
  await here.until(({ length }) => length > 0)
  await there.until(({ length }) => length > 0)
  assert.deepEqual([here.told.length, there.told.length], [1, 1])
})

test('who cannot use the socket at first does so as soon as that is possible', async () => {
  await using place = await meeting()
  await mkdir(join(place.socket, 'in the way'), { recursive: true })
  await using first = await place.enter()
  assert.match(first.logged.join(), /updates from other processes are not received/)
  await rm(place.socket, { recursive: true })
  await first.storage.create('b@x.org', [])
  await using inbox = await select(first.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  await using second = await place.enter()
  await deliver(second.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
})

test('a line stays short however many messages it is about, and all are named', () => {
  const uids = Array.from({ length: 50_000 }, (_, index) => 2 * index + 1_000_001)
  const event = { type: 'expunged', account: 1, mailbox: 2, name: 'x', from: 1, to: 2, origin: 0, uids } as const
  const lines = toLines('me', event).trimEnd().split('\n')
  assert.ok(lines.every((line) => line.length < 16 * 1024))
  const sets = lines.map((line) => JSON.parse(line.slice(line.indexOf(';') + 1)).SeqSet)
  assert.equal(sets.join(), uids.join())
})

test('the socket is gone once nobody uses it', async () => {
  await using place = await meeting()
  {
    await using _server = await place.enter()
    assert.ok((await stat(place.socket)).isSocket())
    assert.equal((await stat(place.socket)).mode & 0o777, 0o600)
  }
  await assert.rejects(stat(place.socket), { code: 'ENOENT' })
})

const dial = async (path: string): Promise<Socket> => {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

for (const [what, line] of [
  ['what is no line of updates', 'garbage\n'],
  ['broken JSON', '1-0x1;{"Type":\n'],
  ['JSON of another kind', '1-0x1;[1]\n1-0x1;null\n1-0x1;{"Type":"x","Key":1}\n'],
  ['an event that there is not', '1-0x1;{"Type":100,"Key":1,"Event":{"type":"oops","account":1}}\n'],
  ['a line that does not end', 'x'.repeat(300_000)],
  ['bytes that are no text', '\xff\x00;\n'],
] as const) {
  test(`${what} is logged, and nothing else comes of it`, async () => {
    await using place = await meeting()
    await using server = await place.enter()
    await server.storage.create('b@x.org', [])
    await using inbox = await select(server.storage, 'b@x.org')
    const seen = collector<MailboxChange>()
    inbox.listen(seen.add)
    const client = await dial(place.socket)
    const closed = new Promise((resolve) => client.on('close', resolve).on('error', () => undefined))
    client.end(Buffer.from(line, 'latin1'))
    await closed
    assert.match(server.logged.join(), /malformed update/)
    await using tool = await place.enter()
    await deliver(tool.storage, ['b@x.org'])
    await seen.until(({ length }) => length > 0)
  })
}

test('an update in the form of maddy makes sessions look, and the next one of a mailbox that is gone is no error', async () => {
  await using place = await meeting()
  await using server = await place.enter()
  await server.storage.create('b@x.org', [])
  await using inbox = await select(server.storage, 'b@x.org')
  const seen = collector<MailboxChange>()
  inbox.listen(seen.add)
  const { DatabaseSync } = await import('node:sqlite')
  await deliver(server.storage, ['b@x.org'])
  await seen.until(({ length }) => length > 0)
  seen.told.length = 0
  using db = new DatabaseSync(place.socket.replace(/sql-.*$/, 'shared.db'))
  db.exec("INSERT INTO flags VALUES (1, 1, 'kw')")
  const client = await dial(place.socket)
  client.write(
    '99-0xc000;{"Type":1,"Key":1,"SeqSet":"1","NewFlags":["kw"]}\n99-0xc000;{"Type":0,"Key":4711,"SeqSet":"1"}\n',
  )
  await seen.until(({ length }) => length > 0)
  assert.equal(seen.told[0]?.type, 'flags')
  client.destroy()
  assert.deepEqual(server.logged, [])
})

test('a client of the socket hears of changes in the form of maddy', async () => {
  await using place = await meeting()
  await using server = await place.enter()
  await server.storage.create('b@x.org', [])
  const client = await dial(place.socket)
  let heard = ''
  client.on('data', (chunk) => {
    heard += String(chunk)
  })
  // The server has taken the connection once it answers another one, which it does in order.
  await using _other = await place.enter()
  for (let n = 0; n < 3; n++) await deliver(server.storage, ['b@x.org'])
  await using inbox = await select(server.storage, 'b@x.org')
  await inbox.store(all, 'add', ['\\Seen'])
  while (heard.split('\n').length < 7) await once(client, 'data')
  const lines = heard
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^\d+-[0-9a-f]+;/, ''))
  assert.deepEqual(
    lines.slice(0, 4).map((line) => JSON.parse(line)),
    [
      { Type: 0, Key: 1, SeqSet: '1' },
      { Type: 0, Key: 1, SeqSet: '2' },
      { Type: 0, Key: 1, SeqSet: '3' },
      { Type: 1, Key: 1, SeqSet: '1', NewFlags: ['\\Seen'] },
    ],
  )
  client.destroy()
})
