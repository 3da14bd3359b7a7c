import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { Quotas } from '../../../core/index.ts'
import { memoryBody } from '../../../core/kit/message/index.ts'
import type { SqlValue, Statements } from '../../../core/kit/sql/writer/index.ts'
import { SqliteStatements } from '../../../core/kit/sql/writer/index.ts'
import { refuseOverQuota } from '../../../modules/storage/imapsql/operations/quota.ts'
import { readDomainUsage } from '../../../modules/storage/imapsql/reading/quota.ts'
import { instance } from '../../support/server.ts'
import { account, all, deliver, open, type SqlStorage, select, simple } from './support.ts'

/** Numbers that look like chance and are the same every time. */
const chance = (seed: number): ((below: number) => number) => {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
}

const pick = <T>(from: readonly T[], random: (below: number) => number): T => from[random(from.length)] as T

/** What each account keeps by the counters, which has to be what its messages weigh. */
const checkSizes = (db: DatabaseSync, after: string): void => {
  const kept = db.prepare('SELECT uid, size FROM tsmaddy_users ORDER BY uid').all()
  const weighed = db.prepare(`SELECT u.id AS uid, coalesce(sum(m.bodylen), 0) AS size
    FROM users u LEFT JOIN mboxes b ON b.uid = u.id LEFT JOIN msgs m ON m.mboxid = b.id GROUP BY u.id ORDER BY u.id`)
  assert.deepEqual(kept, weighed.all(), after)
}

const names = ['a@x.org', 'b@x.org', 'c@y.org']
const folders = [{ name: 'one' }, { name: 'two' }]

type Random = (below: number) => number

/** What tsmaddy does to accounts. */
const ownSteps: Readonly<Record<string, (storage: SqlStorage, random: Random) => Promise<void>>> = {
  async deliver(storage, random) {
    const to = names.slice(random(names.length))
    await deliver(storage, to, simple('x', 'y'.repeat(random(500))))
  },
  async append(storage, random) {
    const content = memoryBody(Buffer.from(`Subject: x\r\n\r\n${'z'.repeat(random(900))}`))
    const owner = await account(storage, pick(names, random))
    await owner.append(pick(['INBOX', 'one'], random), [
      { content, flags: [], internalDate: 0 },
      { content, flags: ['\\Deleted'], internalDate: 0 },
    ])
  },
  async copy(storage, random) {
    await using from = await select(storage, pick(names, random), pick(['INBOX', 'one'], random))
    const first = 1 + random(10)
    await from.copy([{ first, last: first + random(4) }], pick(['INBOX', 'one', 'two'], random))
  },
  async move(storage, random) {
    await using from = await select(storage, pick(names, random), pick(['INBOX', 'two'], random))
    const first = 1 + random(10)
    await from.move([{ first, last: first + random(4) }], pick(['INBOX', 'one', 'two'], random))
  },
  async expunge(storage, random) {
    await using from = await select(storage, pick(names, random), pick(['INBOX', 'one', 'two'], random))
    await from.store([{ first: 1 + random(5), last: 6 }], 'add', ['\\Deleted'])
    await from.expunge()
  },
  async 'delete a mailbox'(storage, random) {
    const owner = await account(storage, pick(names, random))
    await owner.delete('two')
    await owner.create('two')
  },
  async 'rename INBOX'(storage, random) {
    const owner = await account(storage, pick(names, random))
    await owner.delete('one')
    await owner.rename('INBOX', 'one')
  },
  async 'delete an account'(storage, random) {
    const name = pick(names, random)
    await storage.delete(name)
    await storage.create(name, folders)
  },
}

/** What maddy does, by statements of its own. */
const maddySteps: readonly string[] = [
  `INSERT INTO msgs SELECT mboxId, msgId + 100000, date, bodyLen, 0, bodyStructure, cachedHeader, extBodyKey, seen,
    compressAlgo, 0 FROM msgs WHERE msgId < 3`,
  'DELETE FROM msgs WHERE msgId > 100000',
  'UPDATE msgs SET mark = 1 WHERE msgId % 5 = 0',
  'DELETE FROM msgs WHERE mark = 1',
  "INSERT INTO mboxes (uid, name, uidvalidity) SELECT id, 'made by maddy', 1 FROM users",
  `INSERT INTO msgs SELECT (SELECT t.id FROM mboxes t WHERE t.uid = b.uid AND t.name = 'made by maddy'), m.msgId, date,
    bodyLen, 0, bodyStructure, cachedHeader, extBodyKey, seen, compressAlgo, 0
    FROM msgs m JOIN mboxes b ON b.id = m.mboxId WHERE b.name = 'INBOX'`,
  "DELETE FROM mboxes WHERE name = 'made by maddy'",
  "UPDATE mboxes SET name = 'renamed by maddy' WHERE name = 'two'",
  "UPDATE mboxes SET name = 'two' WHERE name = 'renamed by maddy'",
  `INSERT INTO users (username) VALUES ('m@y.org'); INSERT INTO mboxes (uid, name, uidvalidity)
    SELECT id, 'INBOX', 1 FROM users WHERE username = 'm@y.org'; INSERT INTO msgs
    SELECT (SELECT id FROM mboxes ORDER BY id DESC LIMIT 1), row_number() OVER (), date, bodyLen, 0, bodyStructure,
    cachedHeader, extBodyKey, seen, compressAlgo, 0 FROM msgs`,
  "DELETE FROM users WHERE username = 'm@y.org'",
]

for (const seed of [1, 2, 3]) {
  test(`after any operations an account keeps what its messages weigh, and its quota knows (seed ${seed})`, async () => {
    await using made = await open()
    for (const name of names) await made.storage.create(name, folders)
    using db = new DatabaseSync(`${made.directory}/imapsql.db`, { timeout: 5000 })
    const random = chance(seed)
    for (let round = 0; round < 60; round++) {
      const [name, step] = pick(Object.entries(ownSteps), random)
      await step(made.storage, random)
      checkSizes(db, `round ${round}: ${name}`)
    }
    for (const name of names) {
      const usage = await made.storage.usage(name)
      assert.equal(
        usage?.usedBytes,
        usage?.mailboxes.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
      )
      assert.equal((await (await account(made.storage, name)).quota()).used, usage?.usedBytes)
    }
  })
}

for (const enableForeignKeyConstraints of [true, false]) {
  test(`the same after statements of maddy, foreign keys ${enableForeignKeyConstraints ? 'on' : 'off'}`, async () => {
    await using made = await open()
    for (const name of names) await made.storage.create(name, folders)
    const random = chance(11)
    for (let turn = 0; turn < 12; turn++) await ownSteps.deliver?.(made.storage, random)
    using db = new DatabaseSync(`${made.directory}/imapsql.db`, { timeout: 5000, enableForeignKeyConstraints })
    for (const statement of maddySteps) {
      db.exec(statement)
      checkSizes(db, statement)
      const [row] = db.prepare('SELECT count(*) AS n FROM msgs').all()
      assert.ok(Number(row?.n) > 0)
    }
    await made.storage.delete('a@x.org')
    checkSizes(db, 'after an account was deleted')
  })
}

test('what is refused or undone does not count', async () => {
  await using made = await open()
  await made.storage.create('b@x.org', [])
  await deliver(made.storage, ['b@x.org'])
  using db = new DatabaseSync(`${made.directory}/imapsql.db`, { timeout: 5000 })
  await made.storage.setLimit('b@x.org', 200)
  await assert.rejects(deliver(made.storage, ['b@x.org'], simple('x', 'y'.repeat(300))))
  await using inbox = await select(made.storage, 'b@x.org')
  await assert.rejects(inbox.copy(all, 'INBOX'), { kind: 'over_quota' })
  db.exec('BEGIN; DELETE FROM msgs; ROLLBACK')
  checkSizes(db, 'in the end')
})

test('a database from before there were sizes of accounts gets them, once', async () => {
  await using made = await open()
  for (const name of names) await made.storage.create(name, folders)
  await deliver(made.storage, names)
  await deliver(made.storage, ['b@x.org'])
  using db = new DatabaseSync(`${made.directory}/imapsql.db`, { timeout: 5000 })
  db.exec(`DROP TRIGGER tsmaddy_account_added; DROP TRIGGER tsmaddy_mailbox_removed; DROP TRIGGER tsmaddy_message_added;
    DROP TRIGGER tsmaddy_message_removed; DROP TABLE tsmaddy_users;
    UPDATE tsmaddy_meta SET value = '1' WHERE name = 'version'`)
  for (let start = 1; start <= 2; start++) {
    const conf = `storage.imapsql local {\n driver sqlite3\n dsn ${made.directory}/imapsql.db\n msg_store sql\n}`
    await using again = await instance(Quotas, conf)
    checkSizes(db, `start ${start}`)
    assert.ok(((await again.api.usage('b@x.org'))?.usedBytes ?? 0) > 0)
    await deliver(again.api as SqlStorage, ['b@x.org'])
    checkSizes(db, `a delivery after start ${start}`)
  }
  assert.equal(db.prepare("SELECT value FROM tsmaddy_meta WHERE name = 'version'").get()?.value, '2')
})

test('a database that a later version has written is refused, and left as it is', async () => {
  await using made = await open()
  using db = new DatabaseSync(`${made.directory}/imapsql.db`, { timeout: 5000 })
  db.exec("UPDATE tsmaddy_meta SET value = '3' WHERE name = 'version'")
  const conf = `storage.imapsql local {\n driver sqlite3\n dsn ${made.directory}/imapsql.db\n msg_store sql\n}`
  await assert.rejects(instance(Quotas, conf), /written by another tsmaddy \(its version 3\)/)
})

/** How the statements of some work are carried out where others have many accounts and limits. */
const plans = async (path: string, work: (db: Statements) => Promise<unknown>): Promise<string[][]> => {
  using db = new DatabaseSync(path, { timeout: 5000 })
  db.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO users (username) SELECT 'u' || i || '@x.org' FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO user_quotas (username, quota_bytes) SELECT 'u' || i || '@x.org', 1 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO domain_quotas (domain, quota_bytes) SELECT 'd' || i || '.org', 1 FROM n; ANALYZE`)
  const statements = new SqliteStatements(db)
  const asked: string[] = []
  await work({
    query: <R extends readonly SqlValue[]>(sql: string, params?: readonly SqlValue[]) => {
      asked.push(sql)
      return statements.query<R>(sql, params)
    },
  })
  return asked.map((sql) =>
    statements.run<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`).map(([, , , step]) => step),
  )
}

const scans = (steps: readonly string[]): string[] => steps.filter((step) => /^SCAN (?!CONSTANT ROW)/.test(step))

test('no statement of the check reads more than a row of each table, by an index', async () => {
  await using here = await open()
  await here.storage.create('b@x.org', [])
  const [steps = [], ...others] = await plans(`${here.directory}/imapsql.db`, (db) => refuseOverQuota(db, 'b@x.org'))
  assert.deepEqual(others, [])
  assert.deepEqual(scans(steps), [])
  assert.doesNotMatch(steps.join(), /msgs|mboxes/)
  assert.match(steps.join(), /tsmaddy_user_quotas/)
  assert.match(steps.join(), /tsmaddy_domain_quotas/)
})

test('what a domain keeps is read in one pass over the accounts, and their limits by an index', async () => {
  await using here = await open()
  const read = await plans(`${here.directory}/imapsql.db`, (db) => readDomainUsage(db, 'x.org'))
  assert.deepEqual(read.flatMap(scans), ['SCAN u'])
  assert.match(read.flat().join(), /tsmaddy_user_quotas/)
})
