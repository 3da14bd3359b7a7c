import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { folder, tsmaddy } from '../support/process.ts'

const conf = `
  state_dir state
  runtime_dir run
  log not/to/be/opened
  auth.pass_table local_authdb {
    table sql_table {
      driver sqlite3
      dsn credentials.db
      table_name passwords
    }
  }
  storage.imapsql local_mailboxes {
    driver sqlite3
    dsn imapsql.db
  }
  smtp tcp://127.0.0.1:0 {
    this_is_no_directive
  }
`

/** A place with that configuration, and the program run in it. */
const place = async (text = conf) => {
  const { path, ...rest } = await folder({ 'tsmaddy.conf': text })
  const run = (args: readonly string[], input = '', env = {}) =>
    tsmaddy(['-config', 'tsmaddy.conf', ...args], { cwd: path, input, env })
  return { path, run, ...rest }
}

/** With an account and a message in its INBOX. */
const placeWithMail = async () => {
  const here = await place()
  await here.run(['imap-acct', 'create', 'a@example.org'])
  const message = 'From: "A B" <x@y.example>\r\nSubject: =?utf-8?q?h=C3=A9?=\r\n\r\nbody\r\n'
  const added = await here.run(
    ['imap-msgs', 'add', '-f', '\\Seen', '-d', '2031-05-06T07:08:09Z', 'a@example.org', 'INBOX'],
    message,
  )
  assert.deepEqual(added, { status: 0, stdout: '1\n', stderr: '' })
  return { ...here, message }
}

test('users are created, listed and removed; no other part of the configuration matters', async () => {
  await using here = await place()
  assert.deepEqual(await here.run(['creds', 'list']), { status: 0, stdout: '', stderr: 'No users.\n' })
  assert.deepEqual(await here.run(['creds', 'create', '-p', 'secret', 'a@example.org']), {
    status: 0,
    stdout: '',
    stderr: '',
  })
  assert.equal((await here.run(['creds', 'list'])).stdout, 'a@example.org\n')
  assert.equal((await here.run(['creds', 'remove', '-y', 'a@example.org'])).status, 0)
  assert.equal((await here.run(['creds', 'list'])).stdout, '')
})

test('a password is kept as the block says, or as the command does', async () => {
  await using here = await place(conf.replace('local_authdb {', 'local_authdb {\nhash scram-sha-256\nscram yes'))
  const create = (...args: string[]) => here.run(['creds', 'create', '-p', 'secret', ...args])
  assert.equal((await create('a@example.org')).status, 0)
  assert.equal((await create('-hash', 'bcrypt', '-bcrypt-cost', '4', 'b@example.org')).status, 0)
  using db = new DatabaseSync(join(here.path, 'state', 'credentials.db'), { readOnly: true })
  const kept = db
    .prepare('SELECT value FROM passwords ORDER BY key')
    .all()
    .map(({ value }) => String(value))
  assert.deepEqual(
    kept.map((value) => value.split(':', 2)),
    [
      ['scram-sha-256', '65536'],
      ['bcrypt', kept[1]?.slice(7)],
    ],
  )
  assert.ok(
    !(await readdir(join(here.path, 'state'))).includes('scram_decoys.key'),
    'the server makes it, when it is needed',
  )
})

test('a password is read from standard input when no option has it', async () => {
  await using here = await place()
  const done = await here.run(['creds', 'create', 'a@example.org'], 'secret\n')
  assert.equal(done.status, 0)
  assert.match(done.stderr, /^Enter password for new user \(not a terminal/)
})

test('the end of the input is no password', async () => {
  await using here = await place()
  const done = await here.run(['creds', 'create', 'a@example.org'])
  assert.equal(done.status, 1)
  assert.match(done.stderr, /there is no password/)
  assert.equal((await here.run(['creds', 'list'])).stdout, '')
})

test('an empty password is refused', async () => {
  await using here = await place()
  assert.equal((await here.run(['creds', 'create', '-p', '', 'a@example.org'])).status, 1)
})

test('a user that exists cannot be created again', async () => {
  await using here = await place()
  await here.run(['creds', 'create', '-p', 'x', 'a@example.org'])
  const done = await here.run(['creds', 'create', '-p', 'y', 'A@EXAMPLE.ORG'])
  assert.equal(done.status, 1)
  assert.match(done.stderr, /^Error: .*already exist/)
})

test('the password of a user that does not exist cannot be changed', async () => {
  await using here = await place()
  assert.equal((await here.run(['creds', 'password', '-p', 'x', 'b@example.org'])).status, 1)
  assert.equal((await here.run(['creds', 'list'])).stdout, '')
})

test('argon2 can be chosen, and an unknown hash is refused', async () => {
  await using here = await place()
  assert.equal((await here.run(['creds', 'create', '-hash', 'argon2', '-p', 'x', 'a@example.org'])).status, 0)
  const unknown = await here.run(['creds', 'create', '-hash', 'sha256', '-p', 'x', 'b@example.org'])
  assert.deepEqual(unknown, {
    status: 2,
    stdout: '',
    stderr: 'Error: there is no hash sha256; there are bcrypt, argon2, scram-sha-256\n',
  })
})

test('a cost of bcrypt that does not exist is refused with status 2, and no user made', async () => {
  await using here = await place()
  for (const cost of ['0', '3', '32', 'x']) {
    assert.equal((await here.run(['creds', 'create', '-bcrypt-cost', cost, '-p', 'x', 'b@example.org'])).status, 2)
  }
  assert.equal((await here.run(['creds', 'list'])).stdout, '')
})

test('a list without messages says so', async () => {
  await using here = await placeWithMail()
  const done = await here.run(['imap-msgs', 'list', '-u', 'a@example.org', 'INBOX', '7'])
  assert.deepEqual(done, { status: 0, stdout: '', stderr: 'No messages.\n' })
})

test('what would be lost is asked for, and anything but y means no', async () => {
  await using here = await place()
  await here.run(['creds', 'create', '-p', 'x', 'a@example.org'])
  for (const answer of ['', 'n\n', 'yes please\n']) {
    const done = await here.run(['creds', 'remove', 'a@example.org'], answer)
    assert.equal(done.status, 1)
    assert.match(done.stderr, /\[y\/N\]: Error: cancelled\n$/)
  }
  assert.equal((await here.run(['creds', 'remove', 'a@example.org'], 'y\n')).status, 0)
})

test('another block is named by an option or the environment', async () => {
  await using here = await place(conf.replace('local_authdb', 'other'))
  assert.equal((await here.run(['creds', 'list', '--cfg-block', 'other'])).status, 0)
  assert.equal((await here.run(['creds', 'list'], '', { MADDY_CFGBLOCK: 'other' })).status, 0)
})

test('a block that is missing, or of another kind, ends with status 2', async () => {
  await using here = await place()
  const missing = await here.run(['creds', 'list', '--cfg-block', 'nothing'])
  assert.equal(missing.status, 2)
  assert.match(missing.stderr, /has no block nothing/)
  const other = await here.run(['creds', 'list', '--cfg-block', 'local_mailboxes'])
  assert.equal(other.status, 2)
  assert.match(other.stderr, /local_mailboxes has no users that can be managed/)
})

test('the log directive is left alone: what a command has to say is on standard error', async () => {
  await using here = await place()
  await here.run(['creds', 'list'])
  await assert.rejects(stat(join(here.path, 'not')), /ENOENT/)
})

test('an account gets the folders for special uses, under the names asked for', async () => {
  await using here = await place()
  const args = ['imap-acct', 'create', '--sent-name', 'Gone', '--junk-name', '', 'a@example.org']
  assert.equal((await here.run(args)).status, 0)
  const { stdout } = await here.run(['imap-mboxes', 'list', 'a@example.org'])
  assert.deepEqual(stdout.split('\n').sort(), [
    '',
    'Archive\t[\\Archive]',
    'Drafts\t[\\Drafts]',
    'Gone\t[\\Sent]',
    'INBOX',
    'Trash\t[\\Trash]',
  ])
})

test('an account can do without folders', async () => {
  await using here = await place()
  await here.run(['imap-acct', 'create', '--no-specialuse', 'a@example.org'])
  assert.equal((await here.run(['imap-mboxes', 'list', 'a@example.org'])).stdout, 'INBOX\n')
})

test('the append limit of an account is shown, set and removed', async () => {
  await using here = await place()
  await here.run(['imap-acct', 'create', 'a@example.org'])
  const limit = ['imap-acct', 'appendlimit']
  assert.equal((await here.run([...limit, 'a@example.org'])).stdout, 'No limit\n')
  await here.run([...limit, '-v', '1000', 'a@example.org'])
  assert.equal((await here.run([...limit, 'a@example.org'])).stdout, '1000\n')
  await here.run([...limit, '-v', '-1', 'a@example.org'])
  assert.equal((await here.run([...limit, 'a@example.org'])).stdout, 'No limit\n')
})

test('mailboxes are made, renamed and removed', async () => {
  await using here = await placeWithMail()
  const mboxes = (...args: string[]) => here.run(['imap-mboxes', ...args])
  assert.equal((await mboxes('create', 'a@example.org', 'One')).status, 0)
  assert.equal((await mboxes('rename', 'a@example.org', 'One', 'Two')).status, 0)
  assert.match((await mboxes('list', 'a@example.org')).stdout, /^Two$/m)
  assert.equal((await mboxes('remove', '-y', 'a@example.org', 'Two')).status, 0)
  assert.equal((await mboxes('remove', '-y', 'a@example.org', 'Two')).status, 1)
})

test('before a mailbox with mail is removed, the number of messages is told', async () => {
  await using here = await placeWithMail()
  await here.run(['imap-msgs', 'copy', '-u', 'a@example.org', 'INBOX', '1', 'Junk'])
  const done = await here.run(['imap-mboxes', 'remove', 'a@example.org', 'Junk'], 'n\n')
  assert.match(done.stderr, /^Mailbox Junk contains 1 messages\.\n.*\[y\/N\]: Error: cancelled/)
})

test('an unknown special use ends with status 2', async () => {
  await using here = await place()
  assert.equal((await here.run(['imap-mboxes', 'create', '--special', 'spam', 'a@example.org', 'X'])).status, 2)
})

test('messages are listed shortly and fully', async () => {
  await using here = await placeWithMail()
  const list = await here.run(['imap-msgs', 'list', 'a@example.org', 'INBOX'])
  assert.equal(list.stdout, 'UID 1: A B <x@y.example> - hé\n  [\\Seen], 2031-05-06 07:08:09 +0000 UTC\n\n')
  const full = await here.run(['imap-msgs', 'list', '-f', 'a@example.org', 'INBOX'])
  assert.match(
    full.stdout,
    /^UID: 1\nSequence number: 1\nFlags: \[\\Seen\]\nBody size: \d+\nInternal date: 1935817689 /m,
  )
})

test('messages come out as they went in', async () => {
  await using here = await placeWithMail()
  assert.equal((await here.run(['imap-msgs', 'dump', '-u', 'a@example.org', 'INBOX', '1:*'])).stdout, here.message)
})

test('sequence numbers bring a warning that UIDs will be the default', async () => {
  await using here = await placeWithMail()
  const done = await here.run(['imap-msgs', 'dump', 'a@example.org', 'INBOX', '1'])
  assert.equal(done.stdout, here.message)
  assert.match(done.stderr, /^WARNING: .*UIDs/)
})

test('messages are moved, flagged and removed', async () => {
  await using here = await placeWithMail()
  const msgs = async (...args: string[]) => assert.equal((await here.run(['imap-msgs', ...args])).status, 0)
  await msgs('move', '-u', 'a@example.org', 'INBOX', '1', 'Trash')
  await msgs('add-flags', '-u', 'a@example.org', 'Trash', '1', '\\Flagged')
  await msgs('rem-flags', '-u', 'a@example.org', 'Trash', '1', '\\Seen')
  assert.match((await here.run(['imap-msgs', 'list', 'a@example.org', 'Trash'])).stdout, /^ {2}\[\\Flagged\], /m)
  await msgs('set-flags', '-u', 'a@example.org', 'Trash', '1', '$Work')
  assert.match((await here.run(['imap-msgs', 'list', 'a@example.org', 'Trash'])).stdout, /^ {2}\[\$Work\], /m)
  await msgs('remove', '-u', '-y', 'a@example.org', 'Trash', '1')
  for (const mailbox of ['INBOX', 'Trash']) {
    assert.equal((await here.run(['imap-msgs', 'list', 'a@example.org', mailbox])).stdout, '')
  }
})

test('an empty message and a broken set or date end with status 2', async () => {
  await using here = await placeWithMail()
  const msgs = async (...args: string[]) => (await here.run(['imap-msgs', ...args])).status
  assert.equal(await msgs('add', 'a@example.org', 'INBOX'), 2)
  assert.equal(await msgs('dump', '-u', 'a@example.org', 'INBOX', 'x'), 2)
  assert.equal(await msgs('add', '-d', 'yesterday', 'a@example.org', 'INBOX'), 2)
})

test('an account that does not exist ends with status 1', async () => {
  await using here = await place()
  const done = await here.run(['imap-mboxes', 'list', 'nobody@example.org'])
  assert.equal(done.status, 1)
  assert.match(done.stderr, /there is no account nobody@example\.org/)
})

test('an account goes with all its mail', async () => {
  await using here = await placeWithMail()
  assert.equal((await here.run(['imap-acct', 'remove', '-y', 'a@example.org'])).status, 0)
  assert.deepEqual(await here.run(['imap-acct', 'list']), { status: 0, stdout: '', stderr: 'No users.\n' })
})

test('hash prints what a table can hold, without any configuration', async () => {
  assert.match(
    (await tsmaddy(['hash', '-p', 'x', '-bcrypt-cost', '4'])).stdout,
    /^bcrypt:\$2[abxy]\$04\$[./A-Za-z0-9]{53}\n$/,
  )
  assert.match(
    (await tsmaddy(['hash', '-p', 'x', '-hash', 'argon2'])).stdout,
    /^argon2:2:1024:1:[+/\w]+=*:[+/\w]+=*\n$/,
  )
  assert.match(
    (await tsmaddy(['hash', '-p', 'x', '-hash', 'scram-sha-256', '-scram-iterations', '4096'])).stdout,
    /^scram-sha-256:4096:[+/\w]{22}==:[+/\w]{43}=:[+/\w]{43}=\n$/,
  )
})

test('hash warns of an empty password and of white space around one', async () => {
  assert.match((await tsmaddy(['hash', '-p', '', '-bcrypt-cost', '4'])).stderr, /^Warning: the password is empty/)
  assert.match((await tsmaddy(['hash', '-p', ' x', '-bcrypt-cost', '4'])).stderr, /^Warning: .*white space/)
})

test('hash refuses costs and hashes that do not exist with status 2', async () => {
  const wrong = [
    ['-bcrypt-cost', '3'],
    ['-bcrypt-cost', '32'],
    ['-hash', 'sha256'],
    ['-argon2-threads', '256'],
    ['-scram-iterations', '4095'],
  ]
  for (const args of wrong) assert.equal((await tsmaddy(['hash', '-p', 'x', ...args])).status, 2, args.join(' '))
  assert.match((await tsmaddy(['hash', '-p', 'x', '-hash', 'sha256'])).stderr, /bcrypt, argon2/)
})
