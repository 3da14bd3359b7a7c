import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { all, deliver, open, select } from './support.ts'

const count = 150_000

test('a mailbox of 150 000 messages is whole, and selecting or searching it keeps nobody waiting for long', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'])
  {
    using db = new DatabaseSync(join(made.directory, 'imapsql.db'))
    db.exec(`PRAGMA synchronous = OFF; BEGIN;
      CREATE TEMP TABLE s AS WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < ${count})
        SELECT value FROM s;
      INSERT INTO msgs SELECT m.mboxid, s.value, m.date + s.value, m.bodylen, 0, m.bodystructure, m.cachedheader,
        m.extbodykey, 0, '', 0 FROM msgs m, s WHERE m.msgid = 1 AND s.value > 1;
      INSERT INTO flags SELECT 1, value, '\\Seen' FROM s WHERE value % 2 = 1;
      UPDATE mboxes SET uidnext = ${count + 1}, msgscount = ${count};
      UPDATE extkeys SET refs = ${count}; COMMIT`)
  }
  const start = performance.now()
  await using inbox = await select(made.storage, 'b@x.org')
  const selecting = performance.now() - start
  assert.equal(inbox.snapshot.uids.length, count)
  assert.equal(inbox.snapshot.firstUnseen, 2)
  // Far above what it takes, so that a busy machine does not matter, and far below what reading every message would.
  assert.ok(selecting < 2000, `select took ${Math.round(selecting)} ms`)
  assert.equal((await inbox.find({ flagged: ['\\Seen'] })).length, count / 2)
  let read = 0
  for await (const { uid } of inbox.messages(all, {})) read = uid === read + 1 ? uid : Number.NaN
  assert.equal(read, count)
  const { changed } = await inbox.store([{ first: 1, last: 12_000 }], 'add', ['kw'])
  assert.equal(changed.length, 12_000)
})
