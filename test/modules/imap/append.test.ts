import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import { imapServer } from '../../support/imap_server.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'

const message = 'Subject: x\r\n\r\nbody\r\n'

test('APPEND stores the octets, the flags and the date given', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  client.send(`a APPEND inbox (\\seen Kw \\Recent) "17-Jul-1996 02:44:25 -0700" {${message.length}}\r\n`)
  await client.expect('+ …')
  client.send(`${message}\r\n`)
  await client.expect('a OK [APPENDUID 1001 1] APPEND completed')
  await client.ok('EXAMINE INBOX')
  await client.check(
    'FETCH 1 (FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])',
    `* 1 FETCH (FLAGS (\\Seen Kw \\Recent) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE 20 BODY[] {20}\r\n${message})`,
    'OK …',
  )
})

test('the mailbox may be a literal', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  client.send(`a APPEND {5}\r\n`)
  await client.expect('+ …')
  client.send(`inbox {${message.length}+}\r\n${message}\r\n`)
  await client.expect('a OK [APPENDUID …] …')
})

test('an APPEND to the selected mailbox tells of the message before its OK', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('SELECT INBOX')
  assert.deepEqual(await client.append('INBOX', message), ['* 1 EXISTS', '* 1 RECENT'])
})

test('a missing mailbox is refused before the message is sent, with the hint to make it', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('APPEND missing {10}', 'NO [TRYCREATE] …')
  await client.check('APPEND missing {3+}\r\nabc', 'NO [TRYCREATE] …')
  await client.check('NOOP', 'OK …')
})

test('a message above the limit is refused before it is sent, or dropped where it comes at once', async () => {
  await using server = await imapServer({ storage: new MemoryStorage({ appendLimit: 100 }) })
  await using client = await server.logIn()
  await client.check('APPEND INBOX {101}', 'NO [TOOBIG] …')
  await client.check(`APPEND INBOX {200000+}\r\n${'x'.repeat(200_000)}`, 'NO [TOOBIG] …')
  await client.check('STATUS INBOX (MESSAGES)', '* STATUS INBOX (MESSAGES 0)', 'OK …')
})

test('a message for which there is no room is refused', async () => {
  await using server = await imapServer({ storage: new MemoryStorage({ quota: 30 }) })
  await using client = await server.logIn()
  await client.append('INBOX', message)
  await client.check(`APPEND INBOX {20+}\r\n${message}`, 'NO [OVERQUOTA] …')
})

test('a large message goes through a spool, which is empty afterwards, and comes back the same', async () => {
  await using server = await imapServer({ limits: { spoolMemory: 10_000 } })
  await using client = await server.logIn()
  const large = `Subject: large\r\n\r\n${randomBytes(1_500_000).toString('latin1').replaceAll('\0', ' ')}`
  await client.append('INBOX', large)
  await client.ok('SELECT INBOX')
  const [line] = await client.ok('FETCH 1 BODY.PEEK[]')
  assert.equal(line, `* 1 FETCH (BODY[] {${large.length}}\r\n${large})`)
  assert.deepEqual(await readdir(server.spool), [])
})

test('a client that goes away within a message leaves nothing behind', async () => {
  await using server = await imapServer({ limits: { spoolMemory: 1000 } })
  {
    await using client = await server.logIn()
    client.send(`a APPEND INBOX {100000}\r\n`)
    await client.expect('+ …')
    await client.packet('x'.repeat(50_000))
  }
  await using client = await server.logIn()
  for (let turn = 0; turn < 500 && (await readdir(server.spool)).length > 0; turn++) await client.ok('NOOP')
  assert.deepEqual(await readdir(server.spool), [])
  await client.check('STATUS INBOX (MESSAGES)', '* STATUS INBOX (MESSAGES 0)', 'OK …')
})

test('a message that is no message is stored all the same', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', '\xff\xfe no header at all')
  await client.ok('SELECT INBOX')
  await client.check(
    'FETCH 1 (ENVELOPE BODYSTRUCTURE)',
    '* 1 FETCH (ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL) BODYSTRUCTURE ("TEXT" "PLAIN" …))',
    'OK …',
  )
})

test('an APPEND that is not written as it should be is BAD', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  for (const command of [
    'APPEND INBOX',
    'APPEND INBOX "text"',
    'APPEND INBOX (\\Seen {3+}\r\nabc',
    'APPEND INBOX "1-Jan-2020" {3+}\r\nabc',
    'APPEND INBOX {3+}\r\nabc more',
    'APPEND INBOX {3+}\r\na\0c',
    'APPEND INBOX ~{3+}\r\nabc',
  ]) {
    await client.check(command, 'BAD …')
  }
  await client.check('APPEND INBOX (\\Unknown) {3+}\r\nabc', 'NO [CANNOT] …')
  await client.check('STATUS INBOX (MESSAGES)', '* STATUS INBOX (MESSAGES 0)', 'OK …')
  assert.deepEqual(await readdir(server.spool), [])
})
