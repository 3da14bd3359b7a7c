import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { hashNow } from '../../core/kit/password/format.ts'
import { ImapClient } from '../bench/load/imap_client.ts'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { Wire } from '../bench/load/wire.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { everyMessage, login, mailServer, messageOf, password, user } from './support.ts'

const good = mailServer()

let folder: Awaited<ReturnType<typeof newFolder>>
let server: RunningServer
let smtp = 0
let imap = 0

before(async () => {
  folder = await newFolder()
  server = await RunningServer.start(folder.path, good)
})

beforeEach(async () => {
  assert.deepEqual(await server.reload(good), { ok: true })
  const [first = 0, second = 0] = await server.ports()
  smtp = first
  imap = second
  using _account = await login(imap)
})

after(async () => {
  await server?.[Symbol.asyncDispose]()
  await folder?.[Symbol.asyncDispose]()
})

test('a message whose content is under way during a reload is accepted and stored', async () => {
  using sender = await SmtpClient.open(smtp)
  await sender.expect('EHLO client.example', 250)
  await sender.expect('MAIL FROM:<sender@example.org>', 250)
  await sender.expect(`RCPT TO:<${user}>`, 250)
  await sender.expect('DATA', 354)
  const id = 'under-way@reload.example'
  const content = messageOf(id).replace(/^\./gm, '..')
  sender.wire.send(content.slice(0, 400))
  assert.deepEqual(await server.reload(), { ok: true })
  sender.wire.send(`${content.slice(400)}.\r\n`)
  assert.equal((await sender.reply()).code, 250)
  using reader = await login(imap)
  assert.ok((await everyMessage(reader)).some((message) => message.id === id))
})

test('after a reload that changes passwords old sessions work on, and new logins need the new one', async () => {
  using old = await login(imap)
  const changed = hashNow('another', { hash: 'argon2', argon2Time: 1, argon2Memory: 8 })
  assert.deepEqual(await server.reload(good.replace(/"argon2:[^"]*"/, `"${changed}"`)), { ok: true })
  await old.ok('NOOP')
  await old.ok('STATUS INBOX (MESSAGES)')
  using next = await ImapClient.open(imap)
  assert.equal((await next.command(`LOGIN ${user} "${password}"`)).status, 'NO')
  await next.ok(`LOGIN ${user} "another"`)
})

test('an endpoint that is gone from the configuration accepts nobody any more, and lets its sessions go on', async () => {
  using old = await login(imap)
  const without = good.replace(/^imap [\s\S]*?^}/m, '').replace(/^auth\.pass_table [\s\S]*?^}/m, '')
  assert.deepEqual(await server.reload(without), { ok: true })
  await assert.rejects(Wire.open(imap), { code: 'ECONNREFUSED' })
  await old.ok('NOOP')
})

test('an endpoint that is new in the configuration serves from the end of the reload', async () => {
  assert.deepEqual(await server.reload(`${good}\nsmtp tcp://127.0.0.1:0 {\n  deliver_to &local_mailboxes\n}`), {
    ok: true,
  })
  const port = (await server.ports())[2] ?? 0
  using client = await SmtpClient.open(port)
  await client.expect('EHLO client.example', 250)
})

test('what a session of the old configuration delivers is told at once to one of the new', async () => {
  using sender = await SmtpClient.open(smtp)
  await sender.expect('EHLO client.example', 250)
  const changed = good.replace('hostname mx.example.test', 'hostname mx2.example.test')
  assert.deepEqual(await server.reload(changed), { ok: true })
  using reader = await login(imap)
  await reader.idle()
  await sender.deliver('sender@example.org', user, messageOf('old-to-new@reload.example'))
  for (let line = ''; !/ EXISTS$/.test(line); ) line = (await reader.line()).text
})

test('the server ends on SIGTERM: it says goodbye on both protocols, and its status is 0', async () => {
  using reader = await login(imap)
  await reader.idle()
  using sender = await SmtpClient.open(smtp)
  await sender.expect('EHLO client.example', 250)
  using busy = await SmtpClient.open(smtp)
  await busy.expect('EHLO client.example', 250)
  await busy.expect('MAIL FROM:<sender@example.org>', 250)
  await busy.expect(`RCPT TO:<${user}>`, 250)
  await busy.expect('DATA', 354)
  const stopped = server.stop()
  assert.match(await reader.wire.rest(), /^\* BYE .*\r\n$/)
  assert.match(await sender.wire.rest(), /^421 4\.3\.2 .*\r\n$/)
  busy.wire.send(`${messageOf('last@reload.example').replace(/^\./gm, '..')}.\r\n`)
  assert.match(await busy.wire.rest(), /^250 .*\r\n421 4\.3\.2 .*\r\n$/)
  assert.equal(await stopped, 0)
  await server[Symbol.asyncDispose]()

  server = await RunningServer.start(folder.path, good)
  using after = await login((await server.ports())[1] ?? 0)
  assert.ok((await everyMessage(after)).some(({ id }) => id === 'last@reload.example'))
})
