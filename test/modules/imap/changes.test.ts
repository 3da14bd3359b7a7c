import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapServer } from '../../support/imap_server.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'

const message = 'Subject: x\r\n\r\nbody\r\n'

/** Two sessions of one user in INBOX, which has so many messages. */
const opened = async (count: number) => {
  const server = await imapServer()
  const one = await server.logIn()
  for (let number = 0; number < count; number++) await one.append('INBOX', message)
  const two = await server.logIn()
  await one.ok('SELECT INBOX')
  await two.ok('SELECT INBOX')
  return {
    server,
    one,
    two,
    async [Symbol.asyncDispose]() {
      await one[Symbol.asyncDispose]()
      await two[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

test('STORE adds, removes and replaces flags, and tells the outcome', async () => {
  await using at = await opened(2)
  await at.one.check(
    'STORE 1 +FLAGS (\\Seen Work)',
    '* FLAGS (… Work)',
    '* OK [PERMANENTFLAGS (… Work \\*)] …',
    '* 1 FETCH (FLAGS (\\Seen Work \\Recent) UID 1)',
    'OK …',
  )
  await at.one.check('STORE 1 -FLAGS \\Seen', '* 1 FETCH (FLAGS (Work \\Recent) UID 1)', 'OK …')
  await at.one.check(
    'UID STORE 2 FLAGS (\\Flagged \\Draft)',
    '* 2 FETCH (FLAGS (\\Flagged \\Draft \\Recent) UID 2)',
    'OK …',
  )
  await at.one.check(
    'STORE 1:2 FLAGS ()',
    '* 1 FETCH (FLAGS (\\Recent) UID 1)',
    '* 2 FETCH (FLAGS (\\Recent) UID 2)',
    'OK …',
  )
})

test('STORE without effect tells the flags all the same', async () => {
  await using at = await opened(1)
  await at.one.ok('STORE 1 FLAGS (\\Seen)')
  await at.one.check('STORE 1 +FLAGS (\\Seen)', '* 1 FETCH (FLAGS (\\Seen \\Recent) UID 1)', 'OK …')
})

test('STORE without effect tells the flags also when the storage gives those it did not change', async () => {
  class Thorough extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const select = account.select.bind(account)
      account.select = async (...args) => {
        const mailbox = await select(...args)
        const store = mailbox.store.bind(mailbox)
        mailbox.store = async (uids, ...more) => {
          const { modified } = await store(uids, ...more)
          return { changed: await Array.fromAsync(mailbox.messages(uids, {})), modified }
        }
        return mailbox
      }
      return account
    }
  }
  await using server = await imapServer({ storage: new Thorough() })
  await using client = await server.logIn()
  for (let number = 0; number < 2; number++) await client.append('INBOX', message)
  await client.ok('SELECT INBOX')
  await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')
  await client.check('STORE 1 +FLAGS (\\Seen)', '* 1 FETCH (FLAGS (\\Seen …) UID 1)', 'OK …')
  await client.check('STORE 1:2 -FLAGS (\\Seen)', '* 2 FETCH (FLAGS (…) UID 2)', '* 1 FETCH (FLAGS (…) UID 1)', 'OK …')
})

test('STORE of a message that another session has removed changes the others, and the OK tells so', async () => {
  await using at = await opened(2)
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await at.two.ok('EXPUNGE')
  await at.one.check('STORE 1:2 +FLAGS (\\Seen)', '* 2 FETCH (FLAGS (\\Seen …) UID 2)', 'OK [EXPUNGEISSUED] …')
})

test('COPY and MOVE by the number of a message that is gone do nothing, and by its UID pass over it', async () => {
  await using at = await opened(2)
  await at.one.ok('CREATE Kept')
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await at.two.ok('EXPUNGE')
  await at.one.check('COPY 1:2 Kept', 'NO [EXPUNGEISSUED] …')
  await at.one.check('STATUS Kept (MESSAGES)', '* STATUS "Kept" (MESSAGES 0)', '* 1 EXPUNGE', 'OK …')
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await at.two.ok('EXPUNGE')
  await at.one.check('MOVE 1 Kept', '* 1 EXPUNGE', 'NO [EXPUNGEISSUED] …')
  await at.one.check('UID COPY 1 Kept', 'OK UID COPY completed')
})

test('STORE FLAGS () makes a message unseen again', async () => {
  await using at = await opened(1)
  await at.one.ok('STORE 1 FLAGS (\\Seen)')
  await at.one.check('STATUS INBOX (UNSEEN)', '* STATUS INBOX (UNSEEN 0)', 'OK …')
  await at.one.ok('STORE 1 FLAGS ()')
  await at.one.check('STATUS INBOX (UNSEEN)', '* STATUS INBOX (UNSEEN 1)', 'OK …')
})

test('.SILENT hides the outcome from who asked, and from nobody else', async () => {
  await using at = await opened(1)
  await at.one.check('STORE 1 +FLAGS.SILENT (\\Seen)', 'OK …')
  await at.two.check('NOOP', '* 1 FETCH (FLAGS (\\Seen) UID 1)', 'OK …')
  await at.one.check('NOOP', 'OK …')
})

test('.SILENT does not hide what another session had done before', async () => {
  await using at = await opened(1)
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Flagged)')
  await at.one.check('STORE 1 +FLAGS.SILENT (\\Seen)', '* 1 FETCH (FLAGS (\\Flagged \\Seen \\Recent) UID 1)', 'OK …')
})

test('\\Recent cannot be stored, and flags that cannot be are refused', async () => {
  await using at = await opened(1)
  await at.one.check('STORE 1 FLAGS (\\Recent)', '* 1 FETCH (FLAGS (\\Recent) UID 1)', 'OK …')
  await at.one.check('STORE 1 FLAGS (\\Whatever)', 'NO [CANNOT] …')
  await at.one.check(`STORE 1 FLAGS (${'k'.repeat(200)})`, 'NO [LIMIT] …')
  await at.one.check('STORE 1 WHATEVER (\\Seen)', 'BAD …')
  await at.one.check('STORE 1 FLAGS', 'BAD …')
  await at.one.check('STORE 2 FLAGS (\\Seen)', 'BAD …')
  await at.one.check('UID STORE 2 FLAGS (\\Seen)', 'OK …')
})

test('a keyword keeps the case it was first given, and is the same in any case', async () => {
  await using at = await opened(1)
  await at.one.ok('STORE 1 +FLAGS (Work)')
  await at.one.check('STORE 1 +FLAGS (WORK)', '* 1 FETCH (FLAGS (Work \\Recent) UID 1)', 'OK …')
})

test('a mailbox has some hundreds of keywords at most', async () => {
  await using at = await opened(1)
  const keywords = (from: number) => Array.from({ length: 50 }, (_, index) => `k${from + index}`).join(' ')
  for (let from = 0; from < 500; from += 50) await at.one.ok(`STORE 1 +FLAGS.SILENT (${keywords(from)})`)
  await at.one.check('STORE 1 +FLAGS (another)', 'NO [LIMIT] …')
  const selected = (await at.one.ok('SELECT INBOX')).join('\n')
  assert.match(selected, /\[PERMANENTFLAGS \(.* k499.*\)\]/)
  assert.doesNotMatch(selected, /\\\*/)
  await at.one.check('STORE 1 +FLAGS (another)', 'NO [LIMIT] …')
  await at.one.ok('STORE 1 +FLAGS.SILENT (K0 \\Seen)')
})

test('EXPUNGE tells the highest number first', async () => {
  await using at = await opened(4)
  await at.one.ok('STORE 2,4 +FLAGS.SILENT (\\Deleted)')
  await at.one.check('EXPUNGE', '* 4 EXPUNGE', '* 2 EXPUNGE', 'OK …')
  await at.two.check('NOOP', '* 4 EXPUNGE', '* 2 EXPUNGE', 'OK …')
  await at.one.check('FETCH 1:* UID', '* 1 FETCH (UID 1)', '* 2 FETCH (UID 3)', 'OK …')
})

test('UID EXPUNGE removes only what is marked and in the set', async () => {
  await using at = await opened(4)
  await at.one.ok('STORE 1,2,3 +FLAGS.SILENT (\\Deleted)')
  await at.one.check('UID EXPUNGE 2:4', '* 3 EXPUNGE', '* 2 EXPUNGE', 'OK …')
  await at.one.check('FETCH 1:* UID', '* 1 FETCH (UID 1)', '* 2 FETCH (UID 4)', 'OK …')
})

test('sequence numbers stay valid during FETCH, STORE and SEARCH while another session expunges', async () => {
  await using at = await opened(3)
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await at.two.ok('EXPUNGE')
  await at.one.check('FETCH 2 UID', '* 2 FETCH (UID 2)', 'OK …')
  await at.one.check('STORE 3 +FLAGS.SILENT (\\Seen)', 'OK …')
  await at.one.check('SEARCH ALL', '* SEARCH 2 3', 'OK …')
  await at.one.check('COPY 2 INBOX', '* 4 EXISTS', '* 3 RECENT', 'OK [COPYUID 1001 2 4] …')
  await at.one.check('UID FETCH 2 FLAGS', '* 2 FETCH (FLAGS (\\Recent) UID 2)', '* 1 EXPUNGE', 'OK …')
})

test('new mail is told with EXISTS, then RECENT, to the first session as recent', async () => {
  await using at = await opened(0)
  await using third = await at.server.logIn()
  await third.append('INBOX', message)
  await at.one.check('NOOP', '* 1 EXISTS', '* 1 RECENT', 'OK …')
  await at.two.check('NOOP', '* 1 EXISTS', '* 0 RECENT', 'OK …')
})

test('a message that came and went between two commands is never mentioned', async () => {
  await using at = await opened(0)
  await at.two.append('INBOX', message, '(\\Deleted) ')
  await at.two.ok('EXPUNGE')
  await at.one.check('NOOP', 'OK …')
})

test('COPY keeps flags and date, tells UIDs of both sides, and refuses a missing target', async () => {
  await using at = await opened(3)
  await at.one.ok('CREATE other')
  await at.one.ok('STORE 3 +FLAGS.SILENT (\\Flagged)')
  await at.one.check('COPY 1,3 other', 'OK [COPYUID 1002 1,3 1:2] COPY completed')
  await at.one.check('COPY 1 missing', 'NO [TRYCREATE] …')
  await at.one.check('UID COPY 99 other', 'OK UID COPY completed')
  await at.one.check('COPY 9 other', 'BAD …')
  await at.one.ok('SELECT other')
  await at.one.check('FETCH 2 FLAGS', '* 2 FETCH (FLAGS (\\Flagged))', 'OK …')
})

test('COPY beyond the quota is refused', async () => {
  await using server = await imapServer({ storage: new MemoryStorage({ quota: 30 }) })
  await using client = await server.logIn()
  await client.append('INBOX', message)
  await client.ok('SELECT INBOX')
  await client.check('COPY 1 INBOX', 'NO [OVERQUOTA] …')
})

test('MOVE tells the new UIDs before the old messages go', async () => {
  await using at = await opened(3)
  await at.one.ok('CREATE other')
  await at.one.check(
    'MOVE 1:2 other',
    '* OK [COPYUID 1002 1:2 1:2] …',
    '* 2 EXPUNGE',
    '* 1 EXPUNGE',
    'OK MOVE completed',
  )
  await at.one.check('UID MOVE 3 {5+}\r\nother', '* OK [COPYUID 1002 3 3] …', '* 1 EXPUNGE', 'OK …')
  await at.one.check('UID MOVE 3 other', 'OK UID MOVE completed')
})

test('MOVE within the mailbox gives new UIDs, and INBOX is known in any case', async () => {
  await using at = await opened(2)
  await at.one.check('MOVE 1 inbox', '* OK [COPYUID 1001 1 3] …', '* 1 EXPUNGE', '* 2 EXISTS', '* 1 RECENT', 'OK …')
  await at.one.check('UID FETCH 1:* UID', '* 1 FETCH (UID 2)', '* 2 FETCH (UID 3)', 'OK …')
})

test('MOVE to a missing mailbox leaves all as it is', async () => {
  await using at = await opened(1)
  await at.one.check('MOVE 1 missing', 'NO [TRYCREATE] …')
  await at.one.check('FETCH 1 UID', '* 1 FETCH (UID 1)', 'OK …')
})

test('after changes were missed, the client hears of them as of any', async () => {
  await using at = await opened(3)
  const account = await at.server.storage.open('user@example.org')
  await account.unseen('INBOX', async () => {
    const mailbox = await account.select('INBOX', { readOnly: false })
    await mailbox.store([{ first: 1, last: 1 }], 'add', ['\\Deleted'])
    await mailbox.expunge()
    await mailbox.store([{ first: 3, last: 3 }], 'add', ['\\Flagged'])
    await mailbox.copy([{ first: 2, last: 2 }], 'INBOX')
    await mailbox[Symbol.asyncDispose]()
  })
  await at.two.check('NOOP', '* 1 EXPUNGE', '* 2 FETCH (FLAGS (\\Flagged) UID 3)', '* 3 EXISTS', '* 0 RECENT', 'OK …')
  await at.one.ok('NOOP')
  await at.one.ok('STORE 1 +FLAGS.SILENT (\\Seen)')
  await at.two.check('NOOP', '* 1 FETCH (FLAGS (\\Seen) UID 2)', 'OK …')
})

test('IDLE works without a mailbox, until DONE', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  client.send('a IDLE\r\n')
  await client.expect('+ idling')
  client.send('done\r\n')
  await client.expect('a OK IDLE completed')
})

test('IDLE tells at once what others do', async () => {
  await using at = await opened(1)
  at.one.send('a IDLE\r\n')
  await at.one.expect('+ idling')
  await at.two.append('INBOX', message)
  await at.one.expect('* 2 EXISTS')
  await at.one.expect('* 2 RECENT')
  await at.two.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
  await at.one.expect('* 1 FETCH (FLAGS (\\Deleted \\Recent) UID 1)')
  await at.two.ok('EXPUNGE')
  await at.one.expect('* 1 EXPUNGE')
  at.one.send('DONE\r\n')
  await at.one.expect('a OK …')
})

test('a client in IDLE to which nothing happens hears now and then that the connection lives', async () => {
  await using server = await imapServer({ limits: { keepAlive: 10 } })
  await using client = await server.logIn()
  client.send('a IDLE\r\n')
  await client.expect('+ idling')
  await client.expect('* OK Still here')
  await client.expect('* OK Still here')
  client.send('DONE\r\n')
  assert.match((await client.until('a')).at(-1) ?? '', /^a OK /)
})

test('IDLE first tells what had happened before', async () => {
  await using at = await opened(0)
  await at.two.append('INBOX', message)
  at.one.send('a IDLE\r\n')
  await at.one.expect('+ idling')
  await at.one.expect('* 1 EXISTS')
  await at.one.expect('* 1 RECENT')
  at.one.send('DONE\r\n')
  await at.one.expect('a OK …')
})

test('DONE and the next command may come in one packet', async () => {
  await using at = await opened(0)
  at.one.send('a IDLE\r\n')
  await at.one.expect('+ idling')
  at.one.send('DONE\r\nb NOOP\r\n')
  await at.one.expect('a OK …')
  await at.one.expect('b OK …')
})

test('anything but DONE ends IDLE with BAD', async () => {
  await using at = await opened(0)
  at.one.send('a IDLE\r\n')
  await at.one.expect('+ idling')
  at.one.send('b NOOP\r\n')
  await at.one.expect('a BAD …')
  await at.one.check('NOOP', 'OK …')
})

test('commands that are sent ahead are carried out one after another', async () => {
  await using at = await opened(2)
  at.one.send('a STORE 1 +FLAGS.SILENT (\\Deleted)\r\nb EXPUNGE\r\nc FETCH 1 UID\r\nd NOOP\r\n')
  assert.deepEqual(await at.one.until('d'), [
    'a OK STORE completed',
    '* 1 EXPUNGE',
    'b OK EXPUNGE completed',
    '* 1 FETCH (UID 2)',
    'c OK FETCH completed',
    'd OK NOOP completed',
  ])
})

test('a mailbox that is gone when changes were missed ends the session', async () => {
  await using at = await opened(1)
  const account = await at.server.storage.open('user@example.org')
  await at.one.ok('CREATE gone')
  await at.two.ok('SELECT gone')
  await account.unseen('gone', () => account.delete('gone'))
  at.two.send('a NOOP\r\n')
  assert.match(await at.two.rest(), /^(a OK [^\n]*\r\n)?\* BYE Mailbox deleted\r\n$/)
})
