import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { test } from 'node:test'
import type { Mailbox, MailboxChange, StoredMessage } from '../../../core/index.ts'
import { memoryBody } from '../../../core/kit/message/index.ts'
import { account, all, bytes, deliver, open, select, simple } from './support.ts'

/** An account with so many messages in INBOX, and a second mailbox. */
const make = async (count: number, directives?: string) => {
  const made = await open(directives)
  await made.storage.create('b@x.org', [{ name: 'other' }])
  for (let n = 0; n < count; n++) await deliver(made.storage, ['b@x.org'], simple(`s${n + 1}`))
  return { ...made, owner: await account(made.storage, 'b@x.org') }
}

const only = (...uids: number[]) => uids.map((uid) => ({ first: uid, last: uid }))

const list = (mailbox: Mailbox): Promise<StoredMessage[]> => Array.fromAsync(mailbox.messages(all, {}))

const flags = async (mailbox: Mailbox): Promise<Record<number, string[]>> =>
  Object.fromEntries((await list(mailbox)).map(({ uid, flags: set }) => [uid, [...set].sort()]))

test('flags are added, removed and replaced', async () => {
  await using made = await make(2)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(all, 'add', ['\\Seen', '\\Flagged'])
  await inbox.store(only(2), 'remove', ['\\flagged'])
  assert.deepEqual(await flags(inbox), { 1: ['\\Flagged', '\\Seen'], 2: ['\\Seen'] })
  await inbox.store(only(1), 'replace', ['\\Draft'])
  assert.deepEqual(await flags(inbox), { 1: ['\\Draft'], 2: ['\\Seen'] })
  await inbox.store(all, 'replace', [])
  assert.deepEqual(await flags(inbox), { 1: [], 2: [] })
})

test('a keyword keeps the case it was first given, and is the same in any other', async () => {
  await using made = await make(2)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(only(1), 'add', ['$Label1'])
  await inbox.store(all, 'add', ['$LABEL1', '\\SEEN'])
  assert.deepEqual(await flags(inbox), { 1: ['$Label1', '\\Seen'], 2: ['$Label1', '\\Seen'] })
  await inbox.store(only(2), 'remove', ['$label1'])
  assert.deepEqual(await inbox.find({ flagged: ['$lAbel1'] }), [1])
  await using again = await select(made.storage, 'b@x.org')
  assert.deepEqual(again.snapshot.keywords, ['$Label1'])
  await inbox.store(all, 'remove', ['$label1'])
  await using last = await select(made.storage, 'b@x.org')
  assert.deepEqual(last.snapshot.keywords, [])
})

test('\\Recent cannot be set, and what is no flag is refused', async () => {
  await using made = await make(1)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(all, 'add', ['\\Recent', 'ok'])
  assert.deepEqual(await flags(inbox), { 1: ['ok'] })
  await assert.rejects(inbox.store(all, 'add', ['not a flag']))
  await assert.rejects(inbox.store(all, 'add', ['br{ce']))
})

test('every change of flags has a higher mod-sequence, and one that changes nothing keeps it', async () => {
  await using made = await make(2)
  await using inbox = await select(made.storage, 'b@x.org')
  const { changed } = await inbox.store(only(1), 'add', ['\\Seen'])
  const first = changed[0]?.modseq ?? 0
  assert.ok(first > inbox.snapshot.highestModseq)
  const again = await inbox.store(only(1), 'add', ['\\Seen'])
  assert.equal(again.changed[0]?.modseq, first)
  assert.equal((await made.owner.status('INBOX')).highestModseq, first)
  assert.deepEqual(await inbox.find({ modseq: first }), [1])
})

test('messages that have changed since are left alone, and said to have been', async () => {
  await using made = await make(3)
  await using inbox = await select(made.storage, 'b@x.org')
  const since = inbox.snapshot.highestModseq
  await inbox.store(only(2), 'add', ['\\Seen'])
  const { changed, modified } = await inbox.store(all, 'add', ['a', 'b'], since)
  assert.deepEqual(modified, [2])
  assert.deepEqual(
    changed.map(({ uid }) => uid),
    [1, 3],
  )
  assert.deepEqual(await flags(inbox), { 1: ['a', 'b'], 2: ['\\Seen'], 3: ['a', 'b'] })
})

test('a mailbox opened for reading only changes nothing', async () => {
  await using made = await make(1)
  await using inbox = await made.owner.select('INBOX', { readOnly: true })
  const readOnly = { name: 'StorageError', kind: 'read_only' }
  await assert.rejects(inbox.store(all, 'add', ['\\Seen']), readOnly)
  await assert.rejects(inbox.expunge(), readOnly)
  await assert.rejects(async () => inbox.move(all, 'other'), readOnly)
  await inbox.copy(all, 'other')
})

test('copies have consecutive new UIDs in ascending order, and the same date, flags and content', async () => {
  await using made = await make(3)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(only(1, 3), 'add', ['\\Seen', '$Kept'])
  assert.deepEqual(await inbox.copy(only(3, 1), 'other'), {
    uidValidity: (await made.owner.status('other')).uidValidity,
    source: [1, 3],
    target: [1, 2],
  })
  await using other = await select(made.storage, 'b@x.org', 'other')
  assert.deepEqual(await flags(other), { 1: ['$Kept', '\\Seen'], 2: ['$Kept', '\\Seen'] })
  assert.equal(await bytes(await other.content(2)), await bytes(await inbox.content(3)))
  assert.equal((await made.owner.status('other')).unseen, 0)
  assert.equal(other.snapshot.recent.size, 0)
})

test('a copy to a mailbox that does not exist is refused', async () => {
  await using made = await make(1)
  await using inbox = await select(made.storage, 'b@x.org')
  await assert.rejects(inbox.copy(all, 'nothing'), { name: 'StorageError', kind: 'missing' })
})

for (const store of ['sql', 'fs messages']) {
  test(`a copy outlives its original, and the body goes with the last of them (${store})`, async () => {
    await using made = await make(1, `msg_store ${store}`)
    const refs = async () => (await made.db.rows('SELECT refs FROM extkeys')).flat()
    const bodies = async () => {
      if (store === 'sql') return (await made.db.rows('SELECT id FROM tsmaddy_blobs')).length
      return (await readdir(`${made.directory}/messages`)).length
    }
    await using inbox = await select(made.storage, 'b@x.org')
    await inbox.copy(all, 'other')
    await inbox.copy(all, 'INBOX')
    await inbox.copy(only(1), 'INBOX')
    assert.deepEqual(await refs(), [4])
    await inbox.store(only(1), 'add', ['\\Deleted'])
    assert.deepEqual(await inbox.expunge(), [1])
    assert.deepEqual([await refs(), await bodies()], [[3], 1])
    assert.match(await bytes(await inbox.content(2)), /Subject: s1/)
    await assert.rejects(inbox.content(1), { name: 'StorageError', kind: 'expunged' })
    await inbox.store(all, 'add', ['\\Deleted'])
    assert.deepEqual(await inbox.expunge(), [2, 3])
    await made.owner.delete('other')
    assert.deepEqual([await refs(), await bodies()], [[], 0])
  })
}

test('moved messages are gone where they were, with references as before', async () => {
  await using made = await make(3)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(only(2), 'add', ['\\Flagged'])
  const moved = await inbox.move(only(2, 3), 'other')
  assert.deepEqual(
    [moved.source, moved.target],
    [
      [2, 3],
      [1, 2],
    ],
  )
  assert.deepEqual(await flags(inbox), { 1: [] })
  await using other = await select(made.storage, 'b@x.org', 'other')
  assert.deepEqual(await flags(other), { 1: ['\\Flagged'], 2: [] })
  assert.deepEqual((await made.db.rows('SELECT refs FROM extkeys')).flat(), [1, 1, 1])
  assert.deepEqual((await made.db.rows('SELECT msgscount FROM mboxes ORDER BY id')).flat(), [1, 2])
})

test('moving within a mailbox gives new UIDs', async () => {
  await using made = await make(2)
  await using inbox = await select(made.storage, 'b@x.org')
  assert.deepEqual((await inbox.move(all, 'INBOX')).target, [3, 4])
  assert.deepEqual(
    (await list(inbox)).map(({ uid }) => uid),
    [3, 4],
  )
})

test('expunging within ranges leaves other deleted messages', async () => {
  await using made = await make(5)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.store(only(1, 2, 3, 5), 'add', ['\\Deleted'])
  assert.deepEqual(await inbox.expunge([...only(1), { first: 3, last: 4 }]), [1, 3])
  assert.deepEqual((await made.owner.status('INBOX')).deleted, 2)
  assert.deepEqual(await inbox.expunge(), [2, 5])
})

test('conditions hold together', async () => {
  await using made = await make(0)
  for (const [size, date, set] of [
    [100, 1000, ['\\Seen']],
    [200, 2000, ['\\Seen', 'x']],
    [300, 3000, []],
  ] as const) {
    const content = memoryBody(Buffer.from(`A: b\r\n\r\n${'x'.repeat(size - 8)}`))
    await made.owner.append('INBOX', [{ content, flags: set, internalDate: date * 1000 }])
  }
  await using inbox = await select(made.storage, 'b@x.org')
  assert.deepEqual(await inbox.find({}), [1, 2, 3])
  assert.deepEqual(await inbox.find({ flagged: ['\\seen'] }), [1, 2])
  assert.deepEqual(await inbox.find({ flagged: ['\\Seen', 'X'] }), [2])
  assert.deepEqual(await inbox.find({ unflagged: ['x', '\\Deleted'] }), [1, 3])
  assert.deepEqual(await inbox.find({ flagged: ['\\Seen'], unflagged: ['x'] }), [1])
  assert.deepEqual(await inbox.find({ larger: 100 }), [2, 3])
  assert.deepEqual(await inbox.find({ smaller: 300, larger: 100 }), [2])
  assert.deepEqual(await inbox.find({ since: 2_000_000 }), [2, 3])
  assert.deepEqual(await inbox.find({ before: 2_000_000 }), [1])
  assert.deepEqual(await inbox.find({ uids: only(3, 1), before: 3_000_000 }), [1])
})

test('flags of another mailbox with the same UIDs do not count', async () => {
  await using made = await make(1)
  await using inbox = await select(made.storage, 'b@x.org')
  await inbox.copy(all, 'other')
  await inbox.store(all, 'add', ['\\Flagged'])
  await using other = await select(made.storage, 'b@x.org', 'other')
  assert.deepEqual(await other.find({ flagged: ['\\Flagged'] }), [])
})

test('appended messages keep their octets, flags and dates, and come all or none', async () => {
  await using made = await make(0)
  const content = memoryBody(Buffer.from('no header at all\nwith bare line feeds\n'))
  const appended = await made.owner.append('other', [
    { content, flags: ['\\seen', 'Kw'], internalDate: 1_700_000_000_000 },
    { content, flags: [], internalDate: 0 },
  ])
  assert.deepEqual(appended.uids, [1, 2])
  await using other = await select(made.storage, 'b@x.org', 'other')
  assert.equal(await bytes(await other.content(1)), 'no header at all\nwith bare line feeds\n')
  const [first] = await list(other)
  assert.deepEqual([first?.internalDate, first?.flags.toSorted()], [1_700_000_000_000, ['Kw', '\\Seen']])
  assert.equal((await made.owner.status('other')).unseen, 1)
  const bad = made.owner.append('other', [
    { content, flags: [], internalDate: 0 },
    { content, flags: ['a b'], internalDate: 0 },
  ])
  await assert.rejects(bad)
  assert.equal((await made.owner.status('other')).messages, 2)
})

test('the first unseen message is told', async () => {
  await using made = await make(3)
  await using inbox = await select(made.storage, 'b@x.org')
  assert.equal(inbox.snapshot.firstUnseen, 1)
  await inbox.store(only(1, 2), 'add', ['\\Seen'])
  await inbox.store(only(1, 2), 'replace', ['\\Seen', 'x'])
  await using again = await select(made.storage, 'b@x.org')
  assert.equal(again.snapshot.firstUnseen, 3)
  await inbox.store(only(2), 'replace', [])
  await using last = await select(made.storage, 'b@x.org')
  assert.equal(last.snapshot.firstUnseen, 2)
})

test('by default messages that came while nobody looked are \\Recent for every session', async () => {
  await using made = await make(2)
  for (let n = 0; n < 2; n++) {
    await using inbox = await select(made.storage, 'b@x.org')
    assert.deepEqual([...inbox.snapshot.recent], [1, 2])
  }
})

test('with disable_recent no they are \\Recent for the first session, and EXAMINE leaves them so', async () => {
  await using made = await make(2, 'msg_store sql\ndisable_recent no')
  for (const [readOnly, recent] of [
    [true, [1, 2]],
    [false, [1, 2]],
    [false, []],
  ] as const) {
    await using inbox = await made.owner.select('INBOX', { readOnly })
    assert.deepEqual([...inbox.snapshot.recent], recent)
  }
})

test('a message that comes while sessions look is \\Recent for the first that may write, and not kept so', async () => {
  await using made = await make(0)
  const told: [string, MailboxChange][] = []
  await using reading = await made.owner.select('INBOX', { readOnly: true })
  await using first = await select(made.storage, 'b@x.org')
  await using second = await select(made.storage, 'b@x.org')
  for (const [name, mailbox] of Object.entries({ reading, first, second })) {
    mailbox.listen((change) => told.push([name, change]))
  }
  await deliver(made.storage, ['b@x.org'])
  assert.deepEqual(
    told.map(([name, change]) => [name, change.type === 'arrived' && change.recent]),
    [
      ['reading', false],
      ['first', true],
      ['second', false],
    ],
  )
  assert.equal((await made.owner.status('INBOX')).recent, 0)
})

test('what a session does itself it is told as its own before the call resolves', async () => {
  await using made = await make(2)
  await using one = await select(made.storage, 'b@x.org')
  await using two = await select(made.storage, 'b@x.org')
  const told: string[] = []
  one.listen((change) => told.push(`one ${change.type} ${'own' in change && change.own}`))
  two.listen((change) => told.push(`two ${change.type} ${'own' in change && change.own}`))
  await one.store(only(1), 'add', ['\\Deleted'])
  assert.deepEqual(told.splice(0).sort(), ['one flags true', 'two flags false'])
  await two.expunge()
  assert.deepEqual(told.splice(0).sort(), ['one expunged false', 'two expunged true'])
  await one.copy(all, 'INBOX')
  assert.deepEqual(told.splice(0).sort(), ['one arrived true', 'two arrived false'])
})

test('changes between select and listen are kept', async () => {
  await using made = await make(1)
  await using inbox = await select(made.storage, 'b@x.org')
  await deliver(made.storage, ['b@x.org'])
  const told: MailboxChange[] = []
  inbox.listen((change) => told.push(change))
  assert.deepEqual(told, [{ type: 'arrived', own: false, uids: [2], recent: true }])
})
