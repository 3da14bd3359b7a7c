import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { Wire } from '../bench/load/wire.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { everyMessage, login, mailServer, messageOf, user } from './support.ts'

/** What a stranger may at most make a server keep; bytes. */
const growth = 96_000_000

let folder: Awaited<ReturnType<typeof newFolder>>
let server: RunningServer
let smtp = 0
let imap = 0
let memory = 0

before(async () => {
  folder = await newFolder()
  server = await RunningServer.start(folder.path, mailServer({ smtp: 'read_timeout 1s' }))
  const [first = 0, second = 0] = await server.ports()
  smtp = first
  imap = second
  using _account = await login(imap)
  await serves()
  memory = server.residentMemory
})

after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

let served = 0

/** The next client is served, and the server has not grown. */
const serves = async (): Promise<void> => {
  using client = await SmtpClient.open(smtp)
  await client.expect('EHLO next.example', 250)
  await client.deliver('sender@example.org', user, messageOf(`next${++served}@hostile.example`))
  if (memory > 0) assert.ok(server.residentMemory - memory < growth, `${server.residentMemory - memory} bytes more`)
}

const greeted = async (): Promise<SmtpClient> => {
  const client = await SmtpClient.open(smtp)
  await client.expect('EHLO client.example', 250)
  return client
}

/** How many messages there are with that identity. */
const countOf = async (id: string): Promise<number> => {
  using client = await login(imap)
  return (await everyMessage(client)).filter((message) => message.id === id).length
}

test('a command that never ends is refused and the connection closed, long before it fills the memory', async () => {
  using client = await greeted()
  const piece = Buffer.alloc(1_000_000, 'a')
  for (let sent = 0; sent < 200 && !client.wire.closed; sent++) await client.wire.flush(piece).catch(() => {})
  assert.match(await client.wire.rest(), /^500 5\.4\.0 .*\r\n$/)
  await serves()
})

test('a line of the content that never ends is refused, and the connection closed', async () => {
  using client = await greeted()
  await client.expect('MAIL FROM:<sender@example.org>', 250)
  await client.expect(`RCPT TO:<${user}>`, 250)
  await client.expect('DATA', 354)
  const piece = Buffer.alloc(1_000_000, 'a')
  for (let sent = 0; sent < 200 && !client.wire.closed; sent++) await client.wire.flush(piece).catch(() => {})
  assert.match(await client.wire.rest(), /^(?:55[24]|500) /)
  await serves()
})

test('a header that never ends is refused', async () => {
  using client = await greeted()
  await client.expect('MAIL FROM:<sender@example.org>', 250)
  await client.expect(`RCPT TO:<${user}>`, 250)
  await client.expect('DATA', 354)
  const fields = 'X-Field: value\r\n'.repeat(10_000)
  for (let sent = 0; sent < 60; sent++) await client.wire.flush(fields)
  client.wire.send('\r\nbody\r\n.\r\n')
  assert.equal((await client.reply()).code, 552)
  await serves()
})

test('of ten thousand unknown commands the first few are answered, then the connection is closed', async () => {
  using client = await greeted()
  client.wire.send('NONSENSE\r\n'.repeat(10_000))
  const replies = (await client.wire.rest()).trimEnd().split('\r\n')
  assert.ok(replies.length <= 5, `${replies.length} replies`)
  assert.match(replies.at(-1) ?? '', /^500 5\.5\.1 /)
  await serves()
})

test('NUL in a command is refused', async () => {
  using client = await greeted()
  assert.equal(Math.trunc((await client.command('MAIL FROM:<a\0b@example.org>')).code / 100), 5)
  assert.equal(Math.trunc((await client.command('\0\0\0\0\0')).code / 100), 5)
  await serves()
})

for (const [name, end] of [
  ['LF.LF', '\n.\n'],
  ['LF.CRLF', '\n.\r\n'],
  ['CRLF.LF', '\r\n.\n'],
  ['CR.CR', '\r.\r'],
] as const) {
  test(`${name} does not end a message, so that nothing is smuggled behind it`, async () => {
    using client = await greeted()
    await client.expect('MAIL FROM:<sender@example.org>', 250)
    await client.expect(`RCPT TO:<${user}>`, 250)
    await client.expect('DATA', 354)
    const id = `smuggled-${name}@hostile.example`
    const smuggled = `MAIL FROM:<admin@example.test>\r\nRCPT TO:<${user}>\r\nDATA\r\n${messageOf(id)}`
    client.wire.send(`Subject: innocent\r\n\r\nhello${end}${smuggled}.\r\n`)
    const reply = await client.reply()
    assert.equal(Math.trunc(reply.code / 100), 5, reply.text)
    assert.equal(await countOf(id), 0)
    await serves()
  })
}

test('one who talks before the greeting is answered in order or turned away', async () => {
  using wire = await Wire.open(smtp)
  wire.send('EHLO early.example\r\nQUIT\r\n')
  assert.match(await wire.rest(), /^(?:220 .*\r\n(?:250-.*\r\n)+250 .*\r\n221 .*\r\n|554 .*\r\n)$/)
  await serves()
})

test('commands out of order are refused, and the session goes on', async () => {
  using client = await SmtpClient.open(smtp)
  await client.expect('MAIL FROM:<sender@example.org>', 502)
  await client.expect('EHLO client.example', 250)
  await client.expect(`RCPT TO:<${user}>`, 502)
  await client.expect('DATA', 502)
  await client.expect('BDAT 5 LAST\r\nhello', 502)
  await serves()
})

test('those who open a connection and say nothing, or one byte, are sent away when their time is over', async () => {
  const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.open(smtp)))
  using held = new DisposableStack()
  for (const [index, wire] of wires.entries()) {
    held.use(wire)
    if (index % 2 === 0) wire.send('E')
  }
  await serves()
  for (const wire of wires) assert.match(await wire.rest(), /^220 .*\r\n421 4\.4\.2 .*\r\n$/)
  await serves()
})

test('one who stops in the middle of a header is sent away when the time is over, and nothing arrives', async () => {
  using client = await greeted()
  await client.expect('MAIL FROM:<sender@example.org>', 250)
  await client.expect(`RCPT TO:<${user}>`, 250)
  await client.expect('DATA', 354)
  client.wire.send('Message-ID: <slow@hostile.example>\r\nSubj')
  assert.match(await client.wire.rest(), /^421 4\.4\.2 /)
  assert.equal(await countOf('slow@hostile.example'), 0)
  await serves()
})

test('one who closes a half of the connection gets replies in order, or none, and is not kept', async () => {
  using wire = await Wire.open(smtp, { allowHalfOpen: true })
  const id = 'half@hostile.example'
  wire.send(`EHLO half.example\r\nMAIL FROM:<sender@example.org>\r\nRCPT TO:<${user}>\r\nDATA\r\n`)
  for (let line = ''; !line.startsWith('354'); ) line = await wire.line()
  wire.send(`${messageOf(id).replace(/^\./gm, '..')}.\r\nQUIT\r\n`)
  wire.finish()
  const replies = await wire.rest()
  assert.match(replies, /^(?:250 .*\r\n(?:221 .*\r\n)?)?$/)
  const count = await countOf(id)
  assert.ok(replies === '' ? count <= 1 : count === 1, `there are ${count}`)
  await serves()
})

test('one who leaves in the middle of the content leaves nothing behind', async () => {
  for (let times = 0; times < 50; times++) {
    using client = await greeted()
    await client.expect('MAIL FROM:<sender@example.org>', 250)
    await client.expect(`RCPT TO:<${user}>`, 250)
    await client.expect('DATA', 354)
    client.wire.send(messageOf('gone@hostile.example', 100_000))
  }
  assert.equal(await countOf('gone@hostile.example'), 0)
  await serves()
})

test('one who never reads the replies is not remembered without end', async () => {
  using wire = await Wire.open(smtp)
  wire.pause()
  wire.send('EHLO deaf.example\r\n')
  const noops = Buffer.from('NOOP\r\n'.repeat(100_000))
  for (let times = 0; times < 50 && !wire.closed; times++) wire.send(noops)
  for (let times = 0; times < 50; times++) await serves()
})
