import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imapServer } from '../../support/imap_server.ts'
import { MemoryStorage } from '../../support/memory_storage.ts'

const message = 'Subject: x\r\n\r\nbody\r\n'

test('SELECT tells what is in the mailbox, in one order always', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message, '(\\Seen $Label) ')
  await client.append('INBOX', message)
  await client.check(
    'SELECT inbox',
    '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label)',
    '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Label \\*)] …',
    '* 2 EXISTS',
    '* 2 RECENT',
    '* OK [UNSEEN 2] …',
    '* OK [UIDVALIDITY 1001] …',
    '* OK [UIDNEXT 3] …',
    'OK [READ-WRITE] SELECT completed',
  )
})

test('EXAMINE opens for reading only, permits no flags, and leaves \\Recent alone', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message)
  const lines = await client.command('EXAMINE INBOX')
  assert.ok(lines.includes('* 1 RECENT'))
  assert.match(lines.join('\n'), /\[PERMANENTFLAGS \(\)\][\s\S]*OK \[READ-ONLY\]/)
  assert.ok((await client.command('SELECT INBOX')).includes('* 1 RECENT'))
  assert.ok((await client.command('SELECT INBOX')).includes('* 0 RECENT'))
})

test('a mailbox that is not there leaves none selected', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('SELECT INBOX')
  await client.check('SELECT missing', '* OK [CLOSED] …', 'NO [NONEXISTENT] No such mailbox')
  await client.check('FETCH 1 FLAGS', 'NO No mailbox selected')
})

test('CLOSE expunges what is marked, but after EXAMINE nothing, and UNSELECT nothing ever', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message, '(\\Deleted) ')
  await client.ok('EXAMINE INBOX')
  await client.check('CLOSE', 'OK CLOSE completed')
  await client.ok('SELECT INBOX')
  await client.check('UNSELECT', 'OK UNSELECT completed')
  assert.ok((await client.command('SELECT INBOX')).includes('* 1 EXISTS'))
  await client.check('CLOSE', 'OK CLOSE completed')
  assert.ok((await client.command('SELECT INBOX')).includes('* 0 EXISTS'))
})

test('in a mailbox opened by EXAMINE nothing can be changed', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message)
  await client.ok('CREATE other')
  await client.ok('EXAMINE INBOX')
  for (const command of [
    'STORE 1 FLAGS (\\Seen)',
    'UID STORE 1 FLAGS (\\Seen)',
    'EXPUNGE',
    'UID EXPUNGE 1',
    'MOVE 1 other',
    'CHECK',
  ]) {
    await client.check(command, 'NO Mailbox opened in read-only mode')
  }
})

test('CREATE makes parents, and a separator at the end changes nothing', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('CREATE a.b.', 'OK CREATE completed')
  await client.check(
    'LIST "" *',
    '* LIST (\\HasNoChildren) "." INBOX',
    '* LIST (\\HasChildren) "." "a"',
    '* LIST (\\HasNoChildren) "." "a.b"',
    'OK …',
  )
})

test('CREATE refuses what exists, and names that cannot be', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a')
  await client.check('CREATE a', 'NO [ALREADYEXISTS] …')
  await client.check('CREATE inBOX', 'NO [ALREADYEXISTS] …')
  await client.check('CREATE a..b', 'NO [CANNOT] …')
  await client.check('CREATE ""', 'NO [CANNOT] …')
  await client.check('CREATE &', 'BAD …')
})

test('CREATE can give a special use, once', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE Sent (USE (\\sent))')
  await client.check('LIST "" Sent', '* LIST (\\Sent \\HasNoChildren) "." "Sent"', 'OK …')
  await client.check('CREATE Sent2 (USE (\\Sent))', 'NO [USEATTR] …')
  await client.check('CREATE All (USE (\\All))', 'NO [USEATTR] …')
  await client.check('CREATE Two (USE (\\Drafts \\Trash))', 'NO [USEATTR] …')
  await client.check('CREATE x (USE', 'BAD …')
})

test('DELETE keeps children and INBOX', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a.b')
  await client.ok('DELETE a')
  await client.check(
    'LIST "" %',
    '* LIST (…) "." INBOX',
    '* LIST (\\NonExistent \\Noselect \\HasChildren) "." "a"',
    'OK …',
  )
  await client.check('DELETE a', 'NO [NONEXISTENT] …')
  await client.check('DELETE inbox', 'NO [CANNOT] …')
})

test('a session may delete the mailbox it has selected', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a')
  await client.ok('SELECT a')
  await client.check('DELETE a', '* OK [CLOSED] …', 'OK DELETE completed')
  await client.check('FETCH 1 FLAGS', 'NO No mailbox selected')
})

test('the deletion of a mailbox ends the sessions of others that have it selected', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await using other = await server.logIn()
  await client.ok('CREATE a')
  await other.ok('SELECT a')
  await client.ok('DELETE a')
  assert.equal(await other.rest(), '* BYE Mailbox deleted\r\n')
})

test('the deletion of an account ends its sessions', async () => {
  await using server = await imapServer()
  await using client = await server.logIn('gone')
  await server.storage.delete('gone')
  assert.equal(await client.rest(), '* BYE Account deleted\r\n')
})

test('RENAME takes children along, and a session in the mailbox works on', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE T&APY-st.child')
  await client.append('T&APY-st', message)
  await client.ok('SELECT T&APY-st')
  await client.ok('RENAME T&APY-st new')
  await client.check('FETCH 1 UID', '* 1 FETCH (UID 1)', 'OK …')
  await client.check('LIST "" new*', '* LIST (\\HasChildren) "." "new"', '* LIST (…) "." "new.child"', 'OK …')
  await client.check('RENAME missing x', 'NO [NONEXISTENT] …')
  await client.ok('CREATE other')
  await client.check('RENAME new other', 'NO [ALREADYEXISTS] …')
})

test('RENAME of INBOX moves its messages and leaves a fresh one', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message)
  await client.ok('RENAME inbox old')
  await client.check('STATUS old (MESSAGES)', '* STATUS "old" (MESSAGES 1)', 'OK …')
  await client.check('STATUS INBOX (MESSAGES)', '* STATUS INBOX (MESSAGES 0)', 'OK …')
})

test('a name with umlauts is stored as such and listed as it was given', async () => {
  await using server = await imapServer()
  await using client = await server.logIn('user')
  await client.check('CREATE "Entw&APw-rfe & mehr"', 'BAD …')
  await client.ok('CREATE "Entw&APw-rfe &- mehr"')
  await client.check('LIST "" Ent*', '* LIST (\\HasNoChildren) "." "Entw&APw-rfe &- mehr"', 'OK …')
  const account = await server.storage.open('user')
  assert.ok((await account.mailboxes()).some(({ name }) => name === 'Entwürfe & mehr'))
})

test('the request for the separator is answered with an empty name', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('LIST "" ""', '* LIST (\\Noselect) "." ""', 'OK …')
})

test('a reference goes in front of the pattern, unless that begins with a separator', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a.b')
  await client.check('LIST a %', '* LIST (…) "." "a.b"', 'OK …')
  await client.check('LIST a. %', '* LIST (…) "." "a.b"', 'OK …')
  await client.check('LIST a .a', '* LIST (…) "." "a"', 'OK …')
  await client.check('LIST "" inb*', '* LIST (…) "." INBOX', 'OK …')
})

test('LIST can be asked for subscriptions, and tell of them', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a')
  await client.ok('CREATE b')
  await client.ok('UNSUBSCRIBE a')
  await client.ok('SUBSCRIBE inbox')
  await client.check(
    'LIST (SUBSCRIBED) "" *',
    '* LIST (\\Subscribed \\HasNoChildren) "." INBOX',
    '* LIST (\\Subscribed \\HasNoChildren) "." "b"',
    'OK …',
  )
  await client.check(
    'LIST "" (a b) RETURN (SUBSCRIBED CHILDREN)',
    '* LIST (\\HasNoChildren) "." "a"',
    '* LIST (\\Subscribed \\HasNoChildren) "." "b"',
    'OK …',
  )
  await client.check('SUBSCRIBE missing', 'NO [NONEXISTENT] …')
})

test('RECURSIVEMATCH lists the parents of what is subscribed to below', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a.b')
  await client.ok('UNSUBSCRIBE a')
  await client.check(
    'LIST (SUBSCRIBED RECURSIVEMATCH) "" %',
    '* LIST (\\Subscribed \\HasNoChildren) "." INBOX',
    '* LIST (\\HasChildren) "." "a" ("CHILDINFO" ("SUBSCRIBED"))',
    'OK …',
  )
  await client.check('LIST (RECURSIVEMATCH) "" %', 'BAD …')
  await client.check('LIST (RECURSIVEMATCH REMOTE) "" %', 'BAD …')
})

test('LIST (SPECIAL-USE) shows only mailboxes with one', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE Trash (USE (\\Trash))')
  await client.check('LIST (SPECIAL-USE) "" *', '* LIST (\\Trash \\HasNoChildren) "." "Trash"', 'OK …')
  await client.check('LIST "" Trash RETURN (SPECIAL-USE)', '* LIST (\\Trash \\HasNoChildren) "." "Trash"', 'OK …')
})

test('LIST can give the status of each mailbox, but not of one that does not exist', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a.b')
  await client.ok('DELETE a')
  await client.append('a.b', message)
  await client.check(
    'LIST "" (a a.%) RETURN (STATUS (MESSAGES UNSEEN))',
    '* LIST (\\NonExistent …) "." "a"',
    '* LIST (\\HasNoChildren) "." "a.b"',
    '* STATUS "a.b" (MESSAGES 1 UNSEEN 1)',
    'OK …',
  )
})

test('what LIST does not know is BAD', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  for (const command of [
    'LIST',
    'LIST ""',
    'LIST "" () ',
    'LIST (WHATEVER) "" *',
    'LIST "" * RETURN (WHATEVER)',
    'LIST "" * WHATEVER',
    'LIST "" * RETURN (STATUS (WHATEVER))',
  ]) {
    await client.check(command, 'BAD …')
  }
})

test('LSUB shows what is subscribed to, and the parents of it that are not where the pattern ends in a percent sign', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.ok('CREATE a.b')
  await client.ok('UNSUBSCRIBE a')
  await client.check('LSUB "" *', '* LSUB (\\HasNoChildren) "." INBOX', '* LSUB (…) "." "a.b"', 'OK …')
  await client.check('LSUB "" %', '* LSUB (…) "." INBOX', '* LSUB (\\Noselect) "." "a"', 'OK …')
})

test('STATUS answers in the order asked for, of the selected mailbox too', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.append('INBOX', message, '(\\Deleted \\Seen) ')
  await client.ok('SELECT INBOX')
  await client.check(
    'STATUS inbox (SIZE APPENDLIMIT UIDNEXT MESSAGES UNSEEN RECENT DELETED UIDVALIDITY)',
    '* STATUS INBOX (SIZE 20 APPENDLIMIT NIL UIDNEXT 2 MESSAGES 1 UNSEEN 0 RECENT 0 DELETED 1 UIDVALIDITY 1001)',
    'OK …',
  )
  await client.check('STATUS INBOX (MESSAGES WHATEVER)', 'BAD …')
  await client.check('STATUS INBOX ()', 'BAD …')
  await client.check('STATUS missing (MESSAGES)', 'NO [NONEXISTENT] …')
})

test('a limit for messages is told where it holds', async () => {
  await using server = await imapServer({ storage: new MemoryStorage({ appendLimit: 1000 }) })
  await (await server.storage.open('limited')).setAppendLimit(500)
  await using client = await server.logIn('limited')
  assert.match((await client.ok('CAPABILITY')).join(), / APPENDLIMIT=500 /)
  await client.check('STATUS INBOX (APPENDLIMIT)', '* STATUS INBOX (APPENDLIMIT 500)', 'OK …')
  await using other = await server.logIn('other')
  assert.match((await other.ok('CAPABILITY')).join(), / APPENDLIMIT /)
})

test('STATUS tells the limit that holds for a mailbox without one of its own', async () => {
  class WithoutOwn extends MemoryStorage {
    override async open(name: string) {
      const account = await super.open(name)
      const status = account.status.bind(account)
      account.status = async (mailbox) => ({ ...(await status(mailbox)), appendLimit: undefined })
      return account
    }
  }
  await using server = await imapServer({ storage: new WithoutOwn({ appendLimit: 1000 }) })
  await using client = await server.logIn()
  await client.check('STATUS INBOX (APPENDLIMIT)', '* STATUS INBOX (APPENDLIMIT 1000)', 'OK …')
  await client.check(
    'LIST "" INBOX RETURN (STATUS (APPENDLIMIT))',
    '* LIST (…) "." INBOX',
    '* STATUS INBOX (APPENDLIMIT 1000)',
    'OK …',
  )
})

test('NAMESPACE tells of one personal namespace', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('NAMESPACE', '* NAMESPACE (("" ".")) NIL NIL', 'OK …')
})

test('ENABLE lists what it has switched on, and passes over what it does not know', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  await client.check('ENABLE X-WHATEVER', '* ENABLED', 'OK …')
  await client.check('ENABLE', 'BAD …')
})

test('ID takes NIL or up to 30 pairs', async () => {
  await using server = await imapServer()
  await using client = await server.logIn()
  const pairs = (count: number) => Array.from({ length: count }, (_, at) => `"f${at}" "v"`).join(' ')
  await client.check('ID NIL', '* ID (…)', 'OK …')
  await client.check('ID ("name" "x" "os" NIL)', '* ID (…)', 'OK …')
  await client.check(`ID (${pairs(30)})`, '* ID (…)', 'OK …')
  await client.check(`ID (${pairs(31)})`, 'BAD …')
  await client.check('ID ("odd")', 'BAD …')
  await client.check('ID', 'BAD …')
})
