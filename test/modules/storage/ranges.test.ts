import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { UidRange } from '../../../core/index.ts'
import { SqliteStatements } from '../../../core/kit/sql/writer/index.ts'
import { portions, rangeConditions } from '../../../modules/storage/imapsql/ranges.ts'
import { migrateSqlite } from '../../../modules/storage/imapsql/schema/migrate.ts'

/** Every third message of a mailbox of 300, so that no two of them can be asked for as one range. */
const scattered = (count: number): UidRange[] =>
  Array.from({ length: count }, (_, index) => ({ first: 3 * index + 1, last: 3 * index + 1 }))

const database = async (analyzed: boolean) => {
  const db = new DatabaseSync(':memory:')
  const statements = new SqliteStatements(db)
  await migrateSqlite(statements)
  db.exec(`INSERT INTO users (id, username) VALUES (1, 'u');
    INSERT INTO mboxes (id, uid, name, uidvalidity) VALUES (1, 1, 'INBOX', 1), (2, 1, 'x', 1);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
      INSERT INTO msgs SELECT b.id, n.i, 0, 1, 0, '', '', NULL, 0, '', 0 FROM n, mboxes b;
    INSERT INTO flags SELECT mboxId, msgId, 'kw' FROM msgs`)
  if (analyzed) db.exec('ANALYZE')
  return { statements, [Symbol.dispose]: () => db.close() }
}

for (const analyzed of [false, true]) {
  for (const count of [1, 2, 4, 5, 64]) {
    const what = `${count} scattered UIDs are looked up one by one${analyzed ? ', also with statistics' : ''}`
    test(`${what}, and no message beside them`, async () => {
      using db = await database(analyzed)
      for (const statement of ['SELECT msgid FROM msgs', 'SELECT msgid FROM flags', 'DELETE FROM msgs']) {
        const [condition] = rangeConditions('msgid', scattered(count), 2)
        assert.ok(condition)
        const sql = `${statement} WHERE mboxid = $1 AND ${condition.sql}`
        const plan = await db.statements.query<[number, number, number, string]>(`EXPLAIN QUERY PLAN ${sql}`, [
          1,
          ...condition.params,
        ])
        const steps = plan.map(([, , , step]) => step).filter((step) => step.includes('mboxId=?'))
        assert.ok(steps.length > 0)
        for (const step of steps) assert.match(step, /mboxId=\? AND msgId/)
      }
    })
  }
}

test('conditions hold for exactly the UIDs in the ranges, in ascending order', async () => {
  using db = await database(false)
  for (const count of [1, 2, 7, 64, 65, 100]) {
    const ranges = scattered(count).map(({ first }) => ({ first, last: first + (first % 2) }))
    const found: number[] = []
    for (const { sql, params } of rangeConditions('m.msgid', ranges, 2)) {
      const rows = await db.statements.query<[number]>(
        `SELECT m.msgid FROM msgs m WHERE m.mboxid = $1 AND ${sql} ORDER BY m.msgid`,
        [1, ...params],
      )
      found.push(...rows.map(([uid]) => uid))
    }
    const wanted = ranges.flatMap(({ first, last }) => (first === last ? [first] : [first, last]))
    assert.deepEqual(
      found,
      wanted.filter((uid) => uid <= 300),
    )
  }
})

test('portions hold all ranges in order, a wide one alone, and narrow ones as long as they fit', () => {
  const range = (first: number, last = first): UidRange => ({ first, last })
  assert.deepEqual(portions([range(1, 4), range(6), range(8, 20), range(30), range(32)], 5), [
    [range(1, 4), range(6)],
    [range(8, 20)],
    [range(30), range(32)],
  ])
  const all = scattered(200)
  assert.deepEqual(portions(all, 1000).flat(), all)
  assert.ok(portions(all, 1000).every((portion) => portion.length <= 64))
})
