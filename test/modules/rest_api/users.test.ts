import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Accounts, Auth, Users } from '../../../core/index.ts'
import { Provisioning } from '../../../modules/rest_api/provisioning.ts'
import { dialImap } from '../../support/imap_wire.ts'
import { lineLogger } from '../../support/logger.ts'
import { dial } from '../../support/wire.ts'
import { type ApiServer, ann, refused, serveApi, sharedApi, succeeded } from './support.ts'

const withMailboxes = { ...ann, createMailboxes: true }

const verifies = async ({ server }: ApiServer, password: string, username = ann.username): Promise<boolean> =>
  (await server.find('local_authdb', Auth)).verify(username, password)

const accountOf = async ({ server }: ApiServer, username = ann.username) =>
  (await server.find('local_mailboxes', Accounts)).find(username)

/** Does something to the credentials, or another database, behind the server's back. */
const sabotage = ({ server }: ApiServer, sql: string, file = 'credentials.db'): void => {
  const db = new DatabaseSync(join(server.directory, file), { timeout: 5000 })
  db.exec(sql)
  db.close()
}

const stored = ({ server }: ApiServer): readonly unknown[] => {
  const db = new DatabaseSync(join(server.directory, 'credentials.db'))
  const rows = db.prepare('SELECT value FROM passwords').all()
  db.close()
  return rows.map(({ value }) => value)
}

/** What SMTP says to a recipient. */
const recipient = async ({ server }: ApiServer, address: string): Promise<string> => {
  await using client = await dial(server.port('smtp'))
  await client.expect('220 *')
  await client.command('EHLO client.example', '250 *')
  await client.command('MAIL FROM:<sender@example.org>', '250 *')
  return await client.command(`RCPT TO:<${address}>`, '*')
}

const shared = sharedApi()

test('a user without mailboxes can log in, has no account, and gets no mail', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post('/v1/users', { ...ann, createMailboxes: false }), 201)
  assert.equal(await verifies(own, ann.password), true)
  assert.equal(await accountOf(own), undefined)
  assert.match(await recipient(own, ann.username), /^501 5\.1\.1 /)
})

test('a user with mailboxes has INBOX and five folders with their attributes, by default those with the usual names', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post('/v1/users', withMailboxes), 201)
  const mailboxes = await (await accountOf(own))?.mailboxes()
  assert.deepEqual(
    mailboxes?.map(({ name, specialUse }) => [name, specialUse]),
    [
      ['INBOX', undefined],
      ['Sent', '\\Sent'],
      ['Trash', '\\Trash'],
      ['Junk', '\\Junk'],
      ['Drafts', '\\Drafts'],
      ['Archive', '\\Archive'],
    ],
  )
  assert.match(await recipient(own, ann.username), /^250 /)
})

test('folders are named as the storage says', async () => {
  await using own = await serveApi({ storage: 'junk_mailbox Spam' })
  await own.api.post('/v1/users', withMailboxes)
  const mailboxes = await (await accountOf(own))?.mailboxes()
  assert.equal(mailboxes?.find(({ specialUse }) => specialUse === '\\Junk')?.name, 'Spam')
})

test('a password is stored as bcrypt, and lets its user into IMAP', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', withMailboxes)
  assert.match(String(stored(own)[0]), /^bcrypt:\$2[aby]\$10\$/)
  await using client = await dialImap(own.server.port('imap'))
  await client.expect('* OK …')
  await client.ok(`LOGIN ${ann.username} ${ann.password}`)
})

test('a user who exists is not made again, in whatever case, and keeps the password', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  for (const username of [ann.username, 'Ann@Site.TEST']) {
    refused(await own.api.post('/v1/users', { username, password: 'another' }), 409)
  }
  assert.equal(await verifies(own, ann.password), true)
  assert.equal(await verifies(own, 'another'), false)
})

for (const [what, body, field] of [
  ['a name that is no address', { username: 'nobody', password: 'x' }, 'username'],
  ['an address with a quoted local part', { username: '"a@b"@site.test', password: 'x' }, 'username'],
  ['an address with two @', { username: 'a@b@site.test', password: 'x' }, 'username'],
  ['an address literal', { username: 'a@[127.0.0.1]', password: 'x' }, 'username'],
  ['an address with a blank', { username: 'a b@site.test', password: 'x' }, 'username'],
  ['a name of 300 characters', { username: `${'a'.repeat(290)}@site.test`, password: 'x' }, 'username'],
  ['no name', { password: 'x' }, 'username'],
  ['a name of another type', { username: 7, password: 'x' }, 'username'],
  ['no password', { username: ann.username }, 'password'],
  ['an empty password', { ...ann, password: '' }, 'password'],
  ['a password of 100 bytes', { ...ann, password: 'x'.repeat(100) }, 'password'],
  ['a password of 73 bytes in fewer characters', { ...ann, password: `${'ä'.repeat(36)}x` }, 'password'],
  ['a password with a NUL', { ...ann, password: 'a\0b' }, 'password'],
  ['a password with half a character', { ...ann, password: 'a\ud800' }, 'password'],
  ['a domain with a label that DNS cannot hold', { username: `a@${'x'.repeat(64)}.test`, password: 'x' }, 'username'],
  ['a flag of another type', { ...ann, createMailboxes: 'true' }, 'createMailboxes'],
] as const) {
  test(`with ${what}, no user is made`, async () => {
    const own = shared()
    const reply = await own.api.post('/v1/users', body)
    refused(reply, 400)
    const { errors } = reply.json as { errors: readonly { field: string; rule: string; message: string }[] }
    assert.deepEqual(
      errors.map((error) => error.field),
      [field],
    )
    succeeded(await own.api.get('/v1/users'), 200, [])
  })
}

test('a password of 72 bytes is one', async () => {
  await using own = await serveApi()
  const password = 'ä'.repeat(36)
  succeeded(await own.api.post('/v1/users', { ...ann, password }), 201)
  assert.equal(await verifies(own, password), true)
})

test('keys that nobody knows are passed over, and names of keys count to the letter', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post('/v1/users', { ...ann, admin: true }), 201)
  refused(await own.api.post('/v1/users', { Username: 'b@site.test', password: 'x' }), 400)
})

test('a domain in A-labels and in U-labels is the same', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post('/v1/users', { username: 'Bob@xn--bcher-kva.test', password: 'x' }), 201)
  const name = 'bob@bücher.test'
  succeeded(await own.api.get('/v1/users'), 200, [name])
  for (const id of ['bob@xn--bcher-kva.test', encodeURIComponent(name), 'BOB%40XN--BCHER-KVA.test']) {
    succeeded(await own.api.get(`/v1/users/${id}`), 200, { username: name })
  }
  refused(await own.api.post('/v1/users', { username: name, password: 'x' }), 409)
})

test('an account that is there already is kept, and gets the folders it lacks', async () => {
  await using own = await serveApi()
  const accounts = await own.server.find('local_mailboxes', Accounts)
  const account = await accounts.open(ann.username)
  await account.create('Drafts')
  await account.create('Rubbish', '\\Trash')
  succeeded(await own.api.post('/v1/users', withMailboxes), 201)
  assert.deepEqual((await account.mailboxes()).map(({ name }) => name).toSorted(), [
    'Archive',
    'Drafts',
    'INBOX',
    'Junk',
    'Rubbish',
    'Sent',
  ])
})

test('when the credentials cannot be stored, the mailboxes are taken back', async () => {
  await using own = await serveApi()
  sabotage(own, "CREATE TRIGGER full BEFORE INSERT ON passwords BEGIN SELECT RAISE(FAIL, 'the disk is full'); END")
  const reply = await own.api.post('/v1/users', withMailboxes)
  refused(reply, 503)
  assert.doesNotMatch(reply.text, /disk|passwords|SQL/i)
  assert.ok(Number(reply.headers['retry-after']) > 0)
  assert.equal(await accountOf(own), undefined)
})

test('when the credentials cannot be stored, an account of before stays with what it had', async () => {
  await using own = await serveApi()
  const account = await (await own.server.find('local_mailboxes', Accounts)).open(ann.username)
  sabotage(own, "CREATE TRIGGER full BEFORE INSERT ON passwords BEGIN SELECT RAISE(FAIL, 'the disk is full'); END")
  refused(await own.api.post('/v1/users', withMailboxes), 503)
  assert.deepEqual(
    (await account.mailboxes()).map(({ name }) => name),
    ['INBOX'],
  )
})

test('of folders of which one cannot be made none is, nor an account, nor a user', async () => {
  await using own = await serveApi({ storage: 'sent_mailbox Same\ntrash_mailbox Same' })
  refused(await own.api.post('/v1/users', withMailboxes), 500)
  assert.equal(await accountOf(own), undefined)
  succeeded(await own.api.get('/v1/users'), 200, [])
})

test('of many requests at once to make one user, one succeeds', async () => {
  await using own = await serveApi()
  const asked = Array.from({ length: 6 }, (_, n) => ({ ...withMailboxes, password: `password ${n}` }))
  const replies = await Promise.all(asked.map((body) => own.api.post('/v1/users', body)))
  const made = replies.flatMap(({ status }, n) => (status === 201 ? [n] : []))
  assert.equal(made.length, 1)
  for (const reply of replies) if (reply.status !== 201) refused(reply, 409)
  assert.equal(await verifies(own, `password ${made[0]}`), true)
})

test('of two processes that make one user at once, one succeeds', async () => {
  await using own = await serveApi()
  const users = await own.server.find('local_authdb', Users)
  const outcomes = await Promise.allSettled([users.create(ann.username, 'one'), users.create(ann.username, 'two')])
  assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  const winner = outcomes[0]?.status === 'fulfilled' ? 'one' : 'two'
  assert.equal(await users.verify(ann.username, winner), true)
})

test('of two processes that make one user with mailboxes at once, the one that fails takes none of them away', async () => {
  await using own = await serveApi()
  const users = await own.server.find('local_authdb', Users)
  const accounts = await own.server.find('local_mailboxes', Accounts)
  const overtaken: Pick<Users, 'has' | 'create'> = {
    has: (username) => users.has(username),
    create: async (username, password) => {
      succeeded(await own.api.post('/v1/users', withMailboxes), 201)
      await users.create(username, password)
    },
  }
  const other = new Provisioning({ users: overtaken as Users, accounts, dkim: undefined }, lineLogger())
  await assert.rejects(other.createUser(withMailboxes), { status: 409 })
  assert.equal((await (await accountOf(own))?.mailboxes())?.length, 6)
})

test('without users the list is empty', async () => {
  await using own = await serveApi()
  succeeded(await own.api.get('/v1/users'), 200, [])
})

test('users are listed in order, those of one domain alone, and in portions', async () => {
  await using own = await serveApi()
  const users = await own.server.find('local_authdb', Users)
  for (const name of ['z@a.org', 'm@xa.org', 'b@a.org', 'b@sub.a.org']) await users.create(name, 'x')
  succeeded(await own.api.get('/v1/users'), 200, ['b@a.org', 'b@sub.a.org', 'm@xa.org', 'z@a.org'])
  succeeded(await own.api.get('/v1/users?domain=a.org'), 200, ['b@a.org', 'z@a.org'])
  succeeded(await own.api.get('/v1/users?domain=A.ORG'), 200, ['b@a.org', 'z@a.org'])
  succeeded(await own.api.get('/v1/users?limit=2'), 200, ['b@a.org', 'b@sub.a.org'])
  succeeded(await own.api.get('/v1/users?limit=2&cursor=b@sub.a.org'), 200, ['m@xa.org', 'z@a.org'])
  refused(await own.api.get('/v1/users?limit=0'), 400)
  refused(await own.api.get('/v1/users?domain=%25'), 400)
})

test('a user is found by any spelling of the name', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  for (const id of ['ann@site.test', 'ann%40site.test', 'ANN@Site.Test']) {
    const reply = await own.api.get(`/v1/users/${id}`)
    succeeded(reply, 200, { username: ann.username })
    assert.doesNotMatch(reply.text, /password|bcrypt/)
  }
})

test('a user who is not there is a 404 without a body', async () => {
  const own = shared()
  refused(await own.api.get('/v1/users/nobody@site.test'), 404, { empty: true })
})

for (const id of ['%25@site.test/x', '..%2Fx', 'a%20b@site.test', '%ZZ@site.test', '%00@site.test', '%FF@site.test']) {
  test(`${id} is no name of a user`, async () => {
    const own = shared()
    const { status } = await own.api.get(`/v1/users/${id}`)
    assert.ok(status === 400 || status === 404)
    for (const path of [`/v1/users/${id}/mailboxes`]) {
      const made = await own.api.post(path)
      assert.ok(made.status === 400 || made.status === 404)
    }
    assert.deepEqual(await (await own.server.find('local_mailboxes', Accounts)).list(), [])
  })
}

test('after a change of password only the new one is right', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  succeeded(await own.api.post(`/v1/users/${ann.username}/password`, { password: 'new' }), 200)
  assert.equal(await verifies(own, ann.password), false)
  assert.equal(await verifies(own, 'new'), true)
})

test('the password of a user who is not there cannot be changed, and nobody is made', async () => {
  const own = shared()
  refused(await own.api.post('/v1/users/nobody@site.test/password', { password: 'new' }), 404, { empty: true })
  succeeded(await own.api.get('/v1/users'), 200, [])
})

test('a password is only changed to one that is given', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  for (const body of [{}, { password: '' }, { password: 'x'.repeat(100) }, [], 'null', '"text"']) {
    refused(await own.api.post(`/v1/users/${ann.username}/password`, body), 400)
  }
  refused(
    await own.api.post(`/v1/users/${ann.username}/password`, 'password=new', {
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
    415,
  )
  assert.equal(await verifies(own, ann.password), true)
})

test('a deleted user cannot log in, and still gets mail', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', withMailboxes)
  succeeded(await own.api.delete(`/v1/users/${ann.username}`), 200)
  assert.equal(await verifies(own, ann.password), false)
  assert.match(await recipient(own, ann.username), /^250 /)
})

test('only the word true has the mailboxes of a user deleted', async () => {
  await using own = await serveApi()
  for (const word of ['1', 'TRUE', 'yes', '']) {
    await own.api.post('/v1/users', withMailboxes)
    succeeded(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=${word}`), 200)
    assert.ok(await accountOf(own))
  }
  await own.api.post('/v1/users', withMailboxes)
  succeeded(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 200)
  assert.equal(await accountOf(own), undefined)
  assert.match(await recipient(own, ann.username), /^501 5\.1\.1 /)
})

test('a user who is not there cannot be deleted; what is left of one can', async () => {
  await using own = await serveApi()
  refused(await own.api.delete(`/v1/users/${ann.username}`), 404, { empty: true })
  refused(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 404, { empty: true })
  await own.api.post(`/v1/users/${ann.username}/mailboxes`)
  refused(await own.api.delete(`/v1/users/${ann.username}`), 404, { empty: true })
  succeeded(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 200)
})

test('when the account cannot be deleted after the credentials, that they are gone is on record, and sessions end', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', withMailboxes)
  await using client = await dialImap(own.server.port('imap'))
  await client.expect('* OK …')
  await client.ok(`LOGIN ${ann.username} ${ann.password}`)
  sabotage(own, "CREATE TRIGGER kept BEFORE DELETE ON users BEGIN SELECT RAISE(FAIL, 'kept'); END", 'imapsql.db')
  refused(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 503)
  assert.match(await own.server.log(), /rest_api\/audit: user deleted.*"credentials":true.*"mailboxes":false/)
  assert.match(await client.rest(), /^\* BYE Credentials changed\r\n$/m)
  sabotage(own, 'DROP TRIGGER kept', 'imapsql.db')
  succeeded(await own.api.delete(`/v1/users/${ann.username}?delete_mailbox=true`), 200)
})

test('while the credentials cannot be had, answers are 503 and say nothing of the reason', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  sabotage(own, 'DROP TABLE passwords')
  for (const reply of [
    await own.api.get('/v1/users'),
    await own.api.get(`/v1/users/${ann.username}`),
    await own.api.post('/v1/users', { username: 'b@site.test', password: 'x' }),
    await own.api.post(`/v1/users/${ann.username}/password`, { password: 'x' }),
    await own.api.delete(`/v1/users/${ann.username}`),
  ]) {
    refused(reply, 503)
    assert.doesNotMatch(reply.text, /table|sql|passwords/i)
  }
})
