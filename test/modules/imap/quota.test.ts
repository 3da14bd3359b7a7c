import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ImapFlow } from 'imapflow'
import { imapServer } from '../../support/imap_server.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'
import { open } from '../storage/support.ts'

const message = (bytes: number) => 'Subject: x\r\n\r\n'.padEnd(bytes, 'y')

const limited = (quota: number) => imapServer({ storage: new MemoryStorage({ quota }) })

test('QUOTA is offered to users, and not to strangers; the right to set quotas is not', async () => {
  await using server = await limited(30)
  await using stranger = await server.dial()
  assert.doesNotMatch((await stranger.ok('CAPABILITY')).join(), /QUOTA/)
  await using client = await server.logIn()
  assert.match((await client.ok('CAPABILITY')).join(), / QUOTA QUOTA=RES-STORAGE( |$)/)
  assert.doesNotMatch((await client.ok('CAPABILITY')).join(), /QUOTASET/)
  await client.check('SETQUOTA "" (STORAGE 1000)', 'BAD …')
})

test('GETQUOTA tells what is used and what may be, in units of 1024 octets, begun ones included', async () => {
  await using server = await limited(10_240)
  await using client = await server.logIn()
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 0 10)', 'OK …')
  await client.append('INBOX', message(1024))
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 1 10)', 'OK …')
  await client.append('INBOX', message(20))
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 2 10)', 'OK …')
})

test('an account that is full to the last octet is shown so, and not above its limit', async () => {
  await using server = await limited(1025)
  await using client = await server.logIn()
  await client.append('INBOX', message(1025))
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 2 2)', 'OK …')
})

test('GETQUOTAROOT tells the root of a mailbox and its quota, whether a mailbox is selected or not', async () => {
  await using server = await limited(2048)
  await using client = await server.logIn()
  await client.ok('CREATE "a b"')
  await client.check('GETQUOTAROOT inbox', '* QUOTAROOT INBOX ""', '* QUOTA "" (STORAGE 0 2)', 'OK …')
  await client.ok('SELECT INBOX')
  await client.check('GETQUOTAROOT "a b"', '* QUOTAROOT "a b" ""', '* QUOTA "" (STORAGE 0 2)', 'OK …')
  await client.check('GETQUOTAROOT {3+}\r\na b', '* QUOTAROOT "a b" ""', '* QUOTA "" (STORAGE 0 2)', 'OK …')
})

test('the name of a mailbox beyond ASCII goes in modified UTF-7', async () => {
  await using server = await limited(2048)
  await using client = await server.logIn()
  await client.ok('CREATE Entw&APw-rfe')
  await client.check('GETQUOTAROOT Entw&APw-rfe', '* QUOTAROOT "Entw&APw-rfe" ""', '* QUOTA "" …', 'OK …')
})

test('an account without a limit has a root without resources', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message(5000))
  await client.check('GETQUOTA ""', '* QUOTA "" ()', 'OK …')
  await client.check('GETQUOTAROOT INBOX', '* QUOTAROOT INBOX ""', '* QUOTA "" ()', 'OK …')
})

test('a root or a mailbox that does not exist is NO, and what is not written as it should be BAD', async () => {
  await using server = await limited(2048)
  await using client = await server.logIn()
  await client.check('GETQUOTA other', 'NO [NONEXISTENT] …')
  await client.check('GETQUOTAROOT missing', 'NO [NONEXISTENT] …')
  for (const command of ['GETQUOTA', 'GETQUOTA "" x', 'GETQUOTA (x)', 'GETQUOTAROOT', 'GETQUOTAROOT INBOX x']) {
    await client.check(command, 'BAD …')
  }
  await using stranger = await server.dial()
  await stranger.check('GETQUOTA ""', 'NO …')
  await stranger.check('GETQUOTAROOT INBOX', 'NO …')
})

test('a message for which there is no room is refused before it is sent, or dropped where it comes at once', async () => {
  await using server = await limited(1000)
  await using client = await server.logIn()
  await client.append('INBOX', message(600))
  await client.check('APPEND INBOX {401}', 'NO [OVERQUOTA] …')
  await client.check(`APPEND INBOX {401+}\r\n${message(401)}`, 'NO [OVERQUOTA] …')
  await client.append('INBOX', message(400))
  await client.check('STATUS INBOX (MESSAGES)', '* STATUS INBOX (MESSAGES 2)', 'OK …')
})

test('STATUS and LIST tell how much could be expunged', async () => {
  await using server = await limited(10_000)
  await using client = await server.logIn()
  await client.append('INBOX', message(100), '(\\Deleted) ')
  await client.append('INBOX', message(200))
  await client.append('INBOX', message(300), '(\\Deleted) ')
  await client.check('STATUS INBOX (DELETED DELETED-STORAGE)', '* STATUS INBOX (DELETED 2 DELETED-STORAGE 400)', 'OK …')
  await client.check(
    'LIST "" INBOX RETURN (STATUS (DELETED-STORAGE))',
    '* LIST …',
    '* STATUS INBOX (DELETED-STORAGE 400)',
    'OK …',
  )
  await client.check('STATUS missing (DELETED-STORAGE)', 'NO [NONEXISTENT] …')
})

test('in SQL too: the limit, its largest value, [OVERQUOTA] for APPEND and COPY, and MOVE from a full account', async () => {
  await using made = await open()
  await made.storage.create('user@example.org', [{ name: 'Trash' }])
  await made.storage.setLimit('user@example.org', 2n ** 63n - 1n)
  await using server = await imapServer({ storage: made.storage })
  await using client = await server.logIn()
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 0 9007199254740992)', 'OK …')
  await client.append('INBOX', message(600))
  await made.storage.setLimit('user@example.org', 1000)
  await client.ok('SELECT INBOX')
  await client.check('COPY 1 Trash', 'NO [OVERQUOTA] …')
  await client.check(`APPEND Trash {401+}\r\n${message(401)}`, 'NO [OVERQUOTA] …')
  await made.storage.setLimit('user@example.org', 1)
  await client.check('UID MOVE 1 Trash', '* OK [COPYUID …', '* 1 EXPUNGE', 'OK …')
  await client.check('GETQUOTAROOT Trash', '* QUOTAROOT "Trash" ""', '* QUOTA "" (STORAGE 1 1)', 'OK …')
  await client.ok('SELECT Trash')
  await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await client.check('STATUS Trash (DELETED-STORAGE)', '* STATUS "Trash" (DELETED-STORAGE 600)', 'OK …')
  await client.check('EXPUNGE', '* 1 EXPUNGE', 'OK …')
  await client.check('GETQUOTA ""', '* QUOTA "" (STORAGE 0 1)', 'OK …')
})

/** What a client that knows RFC 9208 makes of the quota of an INBOX with a message of 2000 octets. */
const seen = async (storage: MemoryStorage) => {
  await using server = await imapServer({ storage })
  {
    await using client = await server.logIn()
    await client.append('INBOX', message(2000))
  }
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: 'user@example.org', pass: 'secret' },
    logger: false,
  })
  await client.connect()
  try {
    return await client.getQuota('INBOX')
  } finally {
    await client.logout()
  }
}

test('a client that knows RFC 9208 reads the quota, or that there is none', async () => {
  const quota = await seen(new MemoryStorage({ quota: 10_240 }))
  assert.ok(quota)
  assert.deepEqual([quota.path, quota.storage?.usage, quota.storage?.limit], ['INBOX', 2048, 10_240])
  const none = await seen(new MemoryStorage())
  assert.ok(none)
  assert.equal(none.storage, undefined)
})
