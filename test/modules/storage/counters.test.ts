import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FlagState, Mailbox, MailboxChange } from '../../../core/index.ts'
import type { TestStorage } from './support.ts'
import { account, all, deliver, open, select, simple } from './support.ts'

/** Numbers that look like chance and are the same every time. */
const chance = (seed: number): ((below: number) => number) => {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

const pick = <T>(from: readonly T[], random: (below: number) => number): T => from[random(from.length)] as T

const flagSets = [['\\Seen'], ['\\Deleted'], ['$a', '\\Seen'], ['$A', '$b'], [], ['\\Flagged', '\\Deleted', '$c']]

/** Does something to a mailbox, whatever comes up. */
const something = async (box: Mailbox, uidNext: number, random: (below: number) => number): Promise<void> => {
  const first = 1 + random(Math.max(uidNext, 1))
  const range = [{ first, last: first + random(4) }]
  const to = pick(['INBOX', 'other'], random)
  const mode = pick(['add', 'remove', 'replace'] as const, random)
  switch (random(6)) {
    case 0:
    case 1:
    case 2:
      await box.store(range, mode, pick(flagSets, random))
      return
    case 3:
      await box.copy(range, to)
      return
    case 4:
      await box.move(range, to)
      return
    default:
      await box.expunge(random(2) === 0 ? range : undefined)
  }
}

/** What a client would know of a mailbox from its snapshot and from what it was told since. */
class Known {
  readonly messages = new Map<number, string>()
  readonly #problems: string[] = []

  constructor(states: readonly FlagState[]) {
    for (const { uid, flags } of states) this.messages.set(uid, text(flags))
  }

  take(change: MailboxChange): void {
    if (change.type === 'arrived') {
      for (const uid of change.uids) {
        if (this.messages.has(uid)) this.#problems.push(`${uid} arrived twice`)
        this.messages.set(uid, '?')
      }
    } else if (change.type === 'flags') {
      for (const { uid, flags } of change.messages) {
        if (!this.messages.has(uid)) this.#problems.push(`flags of ${uid}, which is unknown`)
        this.messages.set(uid, text(flags))
      }
    } else if (change.type === 'expunged') {
      for (const uid of change.uids) if (!this.messages.delete(uid)) this.#problems.push(`${uid} expunged twice`)
    } else {
      this.#problems.push(`unexpected ${change.type}`)
    }
  }

  /** Compares with how it is; a message that arrived may have any flags as long as none have been told. */
  check(states: readonly FlagState[]): void {
    assert.deepEqual(this.#problems, [])
    assert.deepEqual(
      [...this.messages].sort(([a], [b]) => a - b).map(([uid, flags]) => [uid, flags === '?' ? '?' : flags]),
      states.map(({ uid, flags }) => [uid, this.messages.get(uid) === '?' ? '?' : text(flags)]),
    )
  }
}

const text = (flags: readonly string[]): string => [...flags].sort().join(' ')

const statesOf = (mailbox: Mailbox): Promise<FlagState[]> => Array.fromAsync(mailbox.messages(all, {}))

const expectedCounters = `
  SELECT b.id, b.msgscount, count(m.msgid) AS messages, coalesce(sum(m.recent), 0) AS recent,
    coalesce(sum(m.bodylen), 0) AS size, coalesce(sum(m.seen), 0) AS seen,
    (SELECT count(*) FROM flags f WHERE f.mboxid = b.id AND f.flag = '\\Seen') AS seenflags,
    (SELECT count(*) FROM flags f WHERE f.mboxid = b.id AND f.flag = '\\Deleted') AS deleted,
    (SELECT string_agg(k, ' ') FROM (SELECT lower(flag) || count(*) AS k FROM flags f
      WHERE f.mboxid = b.id AND substr(flag, 1, 1) <> '\\' GROUP BY lower(flag) ORDER BY lower(flag))) AS keywords
  FROM mboxes b LEFT JOIN msgs m ON m.mboxid = b.id GROUP BY b.id ORDER BY b.id`

const keptCounters = `
  SELECT t.mboxid AS id, b.msgscount, t.messages, t.recent, t.size, t.seen, t.seen AS seenflags, t.deleted,
    (SELECT string_agg(k, ' ') FROM (SELECT keyword || uses AS k FROM tsmaddy_keywords k
      WHERE k.mboxid = b.id AND uses > 0 ORDER BY keyword)) AS keywords
  FROM tsmaddy_mboxes t JOIN mboxes b ON b.id = t.mboxid ORDER BY t.mboxid`

/** Each of them finds what is not as it should be. */
const wrong = [
  'SELECT id FROM mboxes WHERE msgscount <> (SELECT count(*) FROM msgs WHERE mboxid = id)',
  'SELECT id FROM extkeys WHERE refs <> (SELECT count(*) FROM msgs WHERE extbodykey = extkeys.id) OR refs <= 0',
  'SELECT id FROM tsmaddy_blobs WHERE id NOT IN (SELECT id FROM extkeys)',
  `SELECT mboxid, msgid FROM msgs EXCEPT SELECT mboxid, uid FROM tsmaddy_msgs
    UNION ALL SELECT * FROM (SELECT mboxid, uid FROM tsmaddy_msgs EXCEPT SELECT mboxid, msgid FROM msgs) AS t`,
  `SELECT mboxid, modseq FROM tsmaddy_msgs GROUP BY mboxid, modseq HAVING count(*) > 1`,
  `SELECT t.mboxid FROM tsmaddy_msgs t JOIN tsmaddy_mboxes b ON b.mboxid = t.mboxid WHERE t.modseq > b.modseq`,
  `SELECT t.uid FROM tsmaddy_users t WHERE t.size <>
    (SELECT coalesce(sum(m.bodylen), 0) FROM msgs m JOIN mboxes b ON b.id = m.mboxid WHERE b.uid = t.uid)`,
]

const checkCounters = async ({ db }: TestStorage): Promise<void> => {
  assert.deepEqual(await db.rows(keptCounters), await db.rows(expectedCounters))
  for (const sql of wrong) assert.deepEqual(await db.rows(sql), [], sql)
}

test('after any operations the counters are what they stand for, and sessions know what there is', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [{ name: 'other' }])
  const random = chance(7)
  await using inbox = await select(made.storage, 'b@x.org')
  await using other = await select(made.storage, 'b@x.org', 'other')
  const knowing = await Promise.all(
    [inbox, other].map(async (mailbox) => {
      const known = new Known(await statesOf(mailbox))
      mailbox.listen((change) => known.take(change))
      return { mailbox, known }
    }),
  )
  for (let round = 0; round < 60; round++) {
    if (random(3) === 0) await deliver(made.storage, ['b@x.org'], simple(`r${round}`))
    const box = pick([inbox, other], random)
    await something(box, 40, random)
    await checkCounters(made)
    for (const { mailbox, known } of knowing) known.check(await statesOf(mailbox))
  }
})

test('sessions opened in the midst of changes by several others miss none and are told none twice', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [{ name: 'other' }])
  const owner = await account(made.storage, 'b@x.org')
  let busy = 4
  const workers = Array.from({ length: 4 }, async (_, n) => {
    const random = chance(100 + n)
    await using box = await owner.select(n % 2 === 0 ? 'INBOX' : 'other', { readOnly: false })
    for (let round = 0; round < 40; round++) {
      if (random(2) === 0) await deliver(made.storage, ['b@x.org'], simple(`w${n} ${round}`))
      else await something(box, 100, random)
    }
    busy--
  })
  const watching: { mailbox: Mailbox; known: Known }[] = []
  const opening = Array.from({ length: 2 }, async (_, n) => {
    while (busy > 0) {
      const mailbox = await owner.select(n === 0 ? 'INBOX' : 'other', { readOnly: true })
      const changes: MailboxChange[] = []
      // A client that is told of changes before it has read the messages: what it reads may be newer than the snapshot.
      const known = new Known(mailbox.snapshot.uids.map((uid) => ({ uid, flags: ['?'], modseq: 0 })))
      mailbox.listen((change) => {
        changes.push(change)
        known.take(change)
      })
      watching.push({ mailbox, known })
      await deliver(made.storage, ['b@x.org'])
    }
  })
  await Promise.all([...workers, ...opening])
  await checkCounters(made)
  assert.ok(watching.length > 10)
  for (const { mailbox, known } of watching) {
    const states = await statesOf(mailbox)
    known.check(states)
    await mailbox[Symbol.asyncDispose]()
  }
})

test('counters hold also for what another program writes to the same file', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [{ name: 'other' }])
  await deliver(made.storage, ['b@x.org'])
  await made.db.exec(`INSERT INTO extkeys (id, uid, refs) VALUES ('${'0'.repeat(32)}', 1, 1);
    UPDATE mboxes SET uidnext = 3, msgscount = 2 WHERE id = 1;
    INSERT INTO msgs SELECT mboxid, 2, date, 77, 0, bodystructure, cachedheader, '${'0'.repeat(32)}', 1, '', 0
      FROM msgs WHERE mboxid = 1;
    INSERT INTO flags VALUES (1, 2, '\\Seen'), (1, 2, 'kw'), (1, 1, '\\Deleted');`)
  await checkCounters(made)
  await made.db.exec("DELETE FROM flags WHERE flag = 'kw'; DELETE FROM msgs WHERE msgid = 1")
  const status = await (await account(made.storage, 'b@x.org')).status('INBOX')
  assert.deepEqual([status.messages, status.unseen, status.deleted, status.size], [1, 0, 0, 77])
})

test('a session notices what another program has written, at the latest when something is done here', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [])
  for (let n = 0; n < 3; n++) await deliver(made.storage, ['b@x.org'])
  await using inbox = await select(made.storage, 'b@x.org')
  const known = new Known(await statesOf(inbox))
  inbox.listen((change) => known.take(change))
  await made.db.exec(`UPDATE mboxes SET uidnext = 5;
    INSERT INTO msgs SELECT mboxid, 4, date, bodylen, 0, bodystructure, cachedheader, NULL, 1, '', 0 FROM msgs
      WHERE msgid = 1;
    INSERT INTO flags VALUES (1, 2, '\\Seen');
    DELETE FROM msgs WHERE msgid = 1`)
  await inbox.store([{ first: 3, last: 3 }], 'add', ['here'])
  known.check(await statesOf(inbox))
  assert.deepEqual([...known.messages.keys()], [2, 3, 4])
})

test('a message that comes while a session is being opened is in its snapshot or told of, and never both', async () => {
  await using made = await open('msg_store sql\ndisable_recent no')
  await made.storage.create('b@x.org', [])
  for (let round = 1; round <= 30; round++) {
    await deliver(made.storage, ['b@x.org'])
    // The session claims what is \Recent, which takes a commit of its own, among those of the deliveries.
    const [inbox] = await Promise.all([
      select(made.storage, 'b@x.org'),
      ...Array.from({ length: 3 }, () => deliver(made.storage, ['b@x.org'])),
    ])
    const known = new Known(inbox.snapshot.uids.map((uid) => ({ uid, flags: [], modseq: 0 })))
    inbox.listen((change) => known.take(change))
    known.check(await statesOf(inbox))
    assert.equal(known.messages.size, 4 * round)
    await inbox[Symbol.asyncDispose]()
  }
})

test('too many changes of others are not told one by one: the session is to read the mailbox anew', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'])
  await using inbox = await select(made.storage, 'b@x.org')
  const told: MailboxChange[] = []
  inbox.listen((change) => told.push(change))
  await made.db.exec(`BEGIN; WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20003)
      INSERT INTO msgs SELECT 1, i, date, bodylen, 0, bodystructure, cachedheader, NULL, 0, '', 0 FROM msgs, n;
      UPDATE mboxes SET uidnext = 20004, msgscount = 20003; COMMIT`)
  await inbox.store([{ first: 1, last: 1 }], 'add', ['kw'])
  assert.deepEqual(told, [{ type: 'resync' }])
})
