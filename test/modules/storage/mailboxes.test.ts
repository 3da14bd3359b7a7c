import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Account, AccountChange, StorageError } from '../../../core/index.ts'
import { account, deliver, open } from './support.ts'

const make = async () => {
  const made = await open()
  await made.storage.create('b@x.org', [])
  return { ...made, owner: await account(made.storage, 'b@x.org') }
}

const names = async (owner: Account): Promise<string[]> => (await owner.mailboxes()).map(({ name }) => name)

const refused = (work: Promise<unknown>, kind: StorageError['kind']): Promise<void> =>
  assert.rejects(work, { name: 'StorageError', kind })

test('missing parents are made too, and all are subscribed', async () => {
  await using made = await make()
  await made.owner.create('a.b.c')
  assert.deepEqual(await names(made.owner), ['INBOX', 'a', 'a.b', 'a.b.c'])
  assert.ok((await made.owner.mailboxes()).every(({ subscribed }) => subscribed))
})

test('a separator at the end is dropped, and makes no second mailbox', async () => {
  await using made = await make()
  assert.equal((await made.owner.create('x.')).name, 'x')
  assert.deepEqual(await names(made.owner), ['INBOX', 'x'])
})

for (const [name, kind] of [
  ['', 'name'],
  ['a..b', 'name'],
  ['.a', 'name'],
  ['a\u0000', 'name'],
  ['x'.repeat(256), 'name'],
  ['InBoX', 'exists'],
  ['inbox.', 'exists'],
] as const) {
  test(`${JSON.stringify(name.slice(0, 20))} cannot be made`, async () => {
    await using made = await make()
    await refused(made.owner.create(name), kind)
    assert.deepEqual(await names(made.owner), ['INBOX'])
  })
}

test('INBOX in any case is INBOX, also before a child', async () => {
  await using made = await make()
  await made.owner.create('inbox.Work')
  assert.deepEqual(await names(made.owner), ['INBOX', 'INBOX.Work'])
  assert.equal((await made.owner.status('Inbox')).uidNext, 1)
})

test('a name that exists is refused, another case of it is not', async () => {
  await using made = await make()
  await made.owner.create('Work')
  await refused(made.owner.create('Work'), 'exists')
  await made.owner.create('work')
})

test('a role that is taken is refused, and so is one that there is not', async () => {
  await using made = await make()
  await made.owner.create('Sent', '\\Sent')
  await refused(made.owner.create('Sent 2', '\\Sent'), 'special_use')
  await refused(made.owner.create('All', '\\All' as '\\Sent'), 'special_use')
})

test('INBOX cannot be deleted, nor what does not exist', async () => {
  await using made = await make()
  await refused(made.owner.delete('inbox'), 'inbox')
  await refused(made.owner.delete('nothing'), 'missing')
})

test('what is below a deleted mailbox stays', async () => {
  await using made = await make()
  await made.owner.create('a.b')
  await made.owner.delete('a')
  assert.deepEqual(await names(made.owner), ['INBOX', 'a.b'])
})

test('a mailbox made anew has another UIDVALIDITY, which is never 0', async () => {
  await using made = await make()
  await made.owner.create('a')
  const before = (await made.owner.status('a')).uidValidity
  await made.owner.delete('a')
  await made.owner.create('a')
  const after = (await made.owner.status('a')).uidValidity
  assert.ok(before > 0 && after > 0 && before !== after)
})

test('children move along with a mailbox that is renamed, and nobody else does', async () => {
  await using made = await make()
  for (const name of ['a_b.c', 'axb.c', 'Töst.child', 'a_bc']) await made.owner.create(name)
  const { id } = (await made.owner.mailboxes()).find(({ name }) => name === 'a_b.c') ?? {}
  await made.owner.rename('a_b', 'new.place')
  await made.owner.rename('Töst', 'Tést')
  assert.deepEqual(
    (await names(made.owner)).sort(),
    ['INBOX', 'a_bc', 'axb', 'axb.c', 'new', 'new.place', 'new.place.c', 'Tést', 'Tést.child'].sort(),
  )
  assert.equal((await made.owner.mailboxes()).find(({ name }) => name === 'new.place.c')?.id, id)
})

test('a mailbox that does not exist cannot be renamed, and leaves no parents', async () => {
  await using made = await make()
  await refused(made.owner.rename('nothing', 'x.y'), 'missing')
  assert.deepEqual(await names(made.owner), ['INBOX'])
})

test('a mailbox cannot be renamed to one that exists, nor below itself', async () => {
  await using made = await make()
  await made.owner.create('a')
  await made.owner.create('b')
  await refused(made.owner.rename('a', 'b'), 'exists')
  await refused(made.owner.rename('a', 'a.b'), 'name')
})

test('renaming fails as a whole when one child would become a name too long', async () => {
  await using made = await make()
  await made.owner.create(`a.${'c'.repeat(200)}`)
  await refused(made.owner.rename('a', 'b'.repeat(100)), 'name')
  assert.ok((await names(made.owner)).includes('a'))
})

test('INBOX that is renamed leaves an empty one; its children stay, and mail goes to the new one', async () => {
  await using made = await make()
  await made.owner.create('INBOX.child')
  await deliver(made.storage, ['b@x.org'])
  const old = await made.owner.status('INBOX')
  await made.owner.rename('INBOX', 'old')
  assert.deepEqual((await names(made.owner)).sort(), ['INBOX', 'INBOX.child', 'old'])
  assert.deepEqual({ ...(await made.owner.status('old')) }, old)
  const fresh = await made.owner.status('INBOX')
  assert.equal(fresh.messages, 0)
  assert.notEqual(fresh.uidValidity, old.uidValidity)
  await deliver(made.storage, ['b@x.org'])
  assert.equal((await made.owner.status('INBOX')).messages, 1)
})

test('subscriptions are kept, and what does not exist cannot be subscribed to', async () => {
  await using made = await make()
  await made.owner.create('a')
  await made.owner.subscribe('a', false)
  assert.equal((await made.owner.mailboxes()).find(({ name }) => name === 'a')?.subscribed, false)
  await refused(made.owner.subscribe('nothing', true), 'missing')
})

test('whoever watches an account is told what happens to its mailboxes, until it no longer does', async () => {
  await using made = await make()
  const told: AccountChange[] = []
  const watching = (await account(made.storage, 'b@x.org')).watch((change) => told.push(change))
  await made.owner.create('a.b')
  await made.owner.subscribe('a', false)
  await made.owner.rename('a', 'c')
  await made.owner.delete('c')
  await deliver(made.storage, ['b@x.org'])
  watching[Symbol.dispose]()
  await made.owner.create('silent')
  assert.deepEqual(told, [
    { type: 'created', mailbox: 'a' },
    { type: 'created', mailbox: 'a.b' },
    { type: 'subscription', mailbox: 'a' },
    { type: 'renamed', from: 'a', to: 'c' },
    { type: 'renamed', from: 'a.b', to: 'c.b' },
    { type: 'deleted', mailbox: 'c' },
    { type: 'status', mailbox: 'INBOX' },
  ])
})

test('a session is told when its mailbox is renamed or deleted', async () => {
  await using made = await make()
  await made.owner.create('a')
  await using open = await made.owner.select('a', { readOnly: false })
  const told: unknown[] = []
  open.listen((change) => told.push(change))
  await made.owner.rename('a', 'b')
  assert.equal(open.name, 'b')
  await made.owner.delete('b')
  assert.deepEqual(told, [{ type: 'renamed', name: 'b' }, { type: 'deleted' }])
  await refused(open.store([{ first: 1, last: 1 }], 'add', ['x']), 'missing')
})

test('two accounts each have their own mailbox of a name', async () => {
  await using made = await make()
  await made.storage.create('c', [{ name: 'Trash' }])
  await made.owner.create('Trash')
  await made.owner.delete('Trash')
  assert.deepEqual(await names(await account(made.storage, 'c')), ['INBOX', 'Trash'])
})
