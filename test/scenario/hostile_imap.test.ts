import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ImapClient } from '../bench/load/imap_client.ts'
import { Wire } from '../bench/load/wire.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { login, mailServer, messageOf, password, user } from './support.ts'

/** What a stranger may at most make a server keep; bytes. */
const growth = 120_000_000

let folder: Awaited<ReturnType<typeof newFolder>>
let server: RunningServer
let port = 0
let memory = 0

before(async () => {
  folder = await newFolder()
  server = await RunningServer.start(folder.path, mailServer())
  port = (await server.ports())[1] ?? 0
  await serves()
  memory = server.residentMemory
})

after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

/** The next client is served, and the server has not grown. */
const serves = async (): Promise<void> => {
  using client = await login(port)
  await client.ok('STATUS INBOX (MESSAGES)')
  if (memory > 0) assert.ok(server.residentMemory - memory < growth, `${server.residentMemory - memory} bytes more`)
}

/** Writes a piece again and again until the server closes the connection or has taken that many. */
const pour = async (wire: Wire, piece: Uint8Array, times: number): Promise<void> => {
  for (let sent = 0; sent < times && !wire.closed; sent++) await wire.flush(piece).catch(() => {})
}

for (const state of ['before', 'after'] as const) {
  test(`a line that never ends is refused and the connection closed, ${state} login`, async () => {
    using client = state === 'after' ? await login(port) : await ImapClient.open(port)
    await pour(client.wire, Buffer.alloc(1_000_000, 'a'), 200)
    assert.match(await client.wire.rest(), /^(?:\S+ BAD .*\r\n)?\* BYE .*\r\n$/)
    await serves()
  })

  test(`a huge literal is refused before it is sent, ${state} login`, async () => {
    using client = state === 'after' ? await login(port) : await ImapClient.open(port)
    const { status } = await client.command('LOGIN {4000000000}')
    assert.notEqual(status, 'OK')
    await serves()
  })

  test(`a huge literal that does not wait is not kept, ${state} login`, async () => {
    using client = state === 'after' ? await login(port) : await ImapClient.open(port)
    client.wire.send('a1 LOGIN {400000000+}\r\n')
    await pour(client.wire, Buffer.alloc(1_000_000, 'a'), 100)
    await serves()
  })
}

test('an APPEND larger than any message is refused before it is sent', async () => {
  using client = await login(port)
  const { status, text } = await client.command('APPEND INBOX {99999999999}')
  assert.notEqual(status, 'OK')
  assert.match(text, /TOOBIG|too /i)
  await serves()
})

test('a stranger whose commands are all unknown is told BAD a few times, and then BYE', async () => {
  using client = await ImapClient.open(port)
  const replies: string[] = []
  for (let count = 0; count < 10_000 && !replies.at(-1)?.startsWith('* BYE'); count++) {
    client.wire.send(`x${count} NONSENSE\r\n`)
    replies.push(await client.wire.line())
  }
  assert.ok(replies.length <= 100, `${replies.length} replies`)
  for (const reply of replies.slice(0, -1)) assert.match(reply, /^x\d+ BAD /)
  assert.equal(await client.wire.rest(), '')
  await serves()
})

test('ten thousand unknown commands in one go end the connection, and nothing else', async () => {
  using client = await ImapClient.open(port)
  client.wire.send('x NONSENSE\r\n'.repeat(10_000))
  // The answers may be lost with the connection, since it is closed before everything has been read.
  assert.match(await client.wire.rest(), /^(?:x BAD .*\r\n)*(?:\* BYE .*\r\n)?$/)
  await serves()
})

test('NUL, and bytes that are no text, are answered BAD', async () => {
  using client = await ImapClient.open(port)
  assert.equal((await client.command('LOGIN "a\0b" "c"')).status, 'BAD')
  assert.equal((await client.command('LOGIN \x01\x02 \xff')).status, 'BAD')
  await serves()
})

test('a bare CR in a command is answered BAD', async () => {
  using client = await ImapClient.open(port)
  assert.equal((await client.command('NOOP\rx2 NOOP')).status, 'BAD')
  await serves()
})

test('one who talks before the greeting is answered in order', async () => {
  using wire = await Wire.open(port)
  wire.send('a NOOP\r\nb LOGOUT\r\n')
  assert.match(await wire.rest(), /^\* OK .*\r\na OK .*\r\n\* BYE .*\r\nb OK .*\r\n$/)
  await serves()
})

test('commands that need a login are refused without one', async () => {
  using client = await ImapClient.open(port)
  for (const command of ['SELECT INBOX', 'LIST "" *', 'STATUS INBOX (MESSAGES)', 'FETCH 1 BODY[]', 'IDLE', 'EXPUNGE']) {
    assert.notEqual((await client.command(command)).status, 'OK', command)
  }
  assert.notEqual((await client.command(`APPEND INBOX {10}`)).status, 'OK')
  await serves()
})

test('lists in lists without end are answered BAD', async () => {
  using client = await login(port)
  assert.equal((await client.command(`SEARCH ${'('.repeat(5_000)}ALL${')'.repeat(5_000)}`)).status, 'BAD')
  await serves()
})

test('a search of many alternatives does not hold up the others', async () => {
  using client = await login(port)
  const { status } = await client.command(`SEARCH ${'OR ALL '.repeat(1_000)}ALL`)
  assert.match(status, /^(?:OK|NO|BAD)$/)
  await serves()
})

test('one who closes a half of the connection gets answers in order, or none, and is not kept', async () => {
  using wire = await Wire.open(port, { allowHalfOpen: true })
  await wire.line()
  wire.send(`a LOGIN ${user} "${password}"\r\nb SELECT INBOX\r\nc NOOP\r\n`)
  wire.finish()
  assert.match(await wire.rest(), /^(?:a OK .*\r\n(?:\* .*\r\n)*(?:b OK .*\r\n(?:c OK .*\r\n)?)?)?(?:\* BYE .*\r\n)?$/)
  await serves()
})

test('one who asks for much and reads nothing is not remembered without end', async () => {
  using client = await login(port)
  const message = messageOf('large@hostile.example', 900_000)
  await client.ok(`APPEND INBOX {${message.length}+}\r\n${message}`)
  client.wire.pause()
  client.wire.send('x FETCH 1 BODY.PEEK[]\r\n'.repeat(5_000))
  // Whoever does read gets a hundred times that message meanwhile; so much could have piled up for the other.
  using reader = await login(port)
  for (let times = 0; times < 100; times++) await reader.ok('FETCH 1 BODY.PEEK[]')
  await serves()
})

test('those who leave in the middle of a command or a literal leave nothing behind', async () => {
  using witness = await login(port)
  const before = await witness.ok('STATUS INBOX (MESSAGES UIDNEXT)')
  for (let times = 0; times < 50; times++) {
    using client = await login(port)
    client.wire.send(times % 2 === 0 ? 'a FETCH 1:' : 'a APPEND INBOX {100000+}\r\nSubject: gone\r\n')
  }
  await serves()
  assert.deepEqual(await witness.ok('STATUS INBOX (MESSAGES UIDNEXT)'), before)
})
