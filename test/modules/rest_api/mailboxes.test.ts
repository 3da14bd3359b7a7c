import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Accounts } from '../../../core/index.ts'
import { dialImap, type ImapWire } from '../../support/imap_wire.ts'
import { type ApiServer, ann, refused, serveApi, sharedApi, succeeded } from './support.ts'

const path = `/v1/users/${ann.username}/mailboxes`
const six = ['Archive', 'Drafts', 'INBOX', 'Junk', 'Sent', 'Trash']

const names = async ({ server }: ApiServer): Promise<readonly string[] | undefined> => {
  const account = await (await server.find('local_mailboxes', Accounts)).find(ann.username)
  return account && (await account.mailboxes()).map(({ name }) => name).toSorted()
}

const loggedIn = async ({ server }: ApiServer, password = ann.password): Promise<ImapWire> => {
  const client = await dialImap(server.port('imap'))
  await client.expect('* OK …')
  await client.ok(`LOGIN ${ann.username} ${password}`)
  return client
}

const shared = sharedApi()

test('mailboxes are made once, and for a name without credentials too', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post(path), 201)
  assert.deepEqual(await names(own), six)
  refused(await own.api.post(path), 409)
  succeeded(await own.api.get('/v1/users'), 200, [])
})

test('an account that a login has made gets the missing folders where that is asked for', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', ann)
  await using _ = await loggedIn(own)
  assert.deepEqual(await names(own), ['INBOX'])
  refused(await own.api.post(path), 409)
  assert.deepEqual(await names(own), ['INBOX'])
  succeeded(await own.api.post(`${path}?ensure=true`), 200)
  assert.deepEqual(await names(own), six)
})

test('what is asked for to be ensured is made when it is not there', async () => {
  await using own = await serveApi()
  succeeded(await own.api.post(`${path}?ensure=true`), 201)
  assert.deepEqual(await names(own), six)
})

test('of many requests at once to make the mailboxes of one user, one succeeds', async () => {
  await using own = await serveApi()
  const replies = await Promise.all(Array.from({ length: 5 }, () => own.api.post(path)))
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [201, 409, 409, 409, 409])
})

test('mailboxes that are not there cannot be deleted', async () => {
  const own = shared()
  refused(await own.api.delete(path), 404, { empty: true })
})

test('after its mailboxes are deleted a user has an empty INBOX with the next login', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  await using before = await loggedIn(own)
  await before.append('INBOX', 'Subject: kept\r\n\r\n')
  succeeded(await own.api.delete(path), 200)
  assert.equal(await names(own), undefined)
  await using after = await loggedIn(own)
  const lines = await after.ok('SELECT INBOX')
  assert.ok(lines.includes('* 0 EXISTS'))
  assert.deepEqual(await names(own), ['INBOX'])
})

test('an open session ends when its mailboxes are deleted', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  await using client = await loggedIn(own)
  await client.ok('SELECT INBOX')
  await own.api.delete(path)
  assert.match(await client.rest(), /^\* BYE Account deleted\r\n$/m)
})

for (const [what, change] of [
  [
    'the password is changed',
    (own: ApiServer) => own.api.post(`/v1/users/${ann.username}/password`, { password: 'new' }),
  ],
  ['the user is deleted', (own: ApiServer) => own.api.delete(`/v1/users/${ann.username}`)],
] as const) {
  test(`open sessions end when ${what}, idle ones too, and those of others go on`, async () => {
    await using own = await serveApi()
    await own.api.post('/v1/users', { ...ann, createMailboxes: true })
    await own.api.post('/v1/users', { ...ann, username: 'ben@site.test' })
    await using other = await dialImap(own.server.port('imap'))
    await other.expect('* OK …')
    await other.ok(`LOGIN ben@site.test ${ann.password}`)
    await using idle = await loggedIn(own)
    await idle.ok('SELECT INBOX')
    idle.send('x IDLE\r\n')
    await idle.expect('+ …')
    await using waiting = await loggedIn(own)
    succeeded(await change(own), 200)
    assert.match(await idle.rest(), /^\* BYE Credentials changed\r\n$/m)
    assert.match(await waiting.rest(), /^\* BYE Credentials changed\r\n$/m)
    await other.ok('NOOP')
  })
}

test('who logs in after a change of password stays', async () => {
  await using own = await serveApi()
  await own.api.post('/v1/users', { ...ann, createMailboxes: true })
  await using before = await loggedIn(own)
  await own.api.post(`/v1/users/${ann.username}/password`, { password: 'new' })
  await before.rest()
  await using after = await loggedIn(own, 'new')
  await after.ok('SELECT INBOX')
  await after.ok('NOOP')
})

for (const id of ['..%2Fx', '.hidden', '%20', 'a%0Ab', 'a@', '@b', 'x@*', 'x@b%25c']) {
  test(`${id} gets no mailboxes`, async () => {
    const own = shared()
    refused(await own.api.post(`/v1/users/${id}/mailboxes`), 400)
    assert.deepEqual(await (await own.server.find('local_mailboxes', Accounts)).list(), [])
  })
}
