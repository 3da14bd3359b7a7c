import { DatabaseSync } from 'node:sqlite'
import { SqliteStatements } from '../../core/kit/sql/writer/index.ts'
import { refuseOverQuota } from '../../modules/storage/imapsql/operations/quota.ts'
import { deliver, message, open, type TestStorage } from '../modules/storage/support.ts'

const user = 'b@example.org'

const kilobyte = message(`From: a@example.net\nTo: ${user}\nSubject: bench\n\n`.padEnd(1000, `${'y'.repeat(76)}\n`))

const much = 2n ** 62n

/** What a look at the quota costs, and a delivery with it, in mailboxes of 10 and of a million messages. */
export const bench = async (): Promise<string[]> => {
  const lines: string[] = []
  for (const messages of [10, 1_000_000]) {
    await using made = await open()
    await made.storage.create(user, [])
    await deliver(made.storage, [user], kilobyte)
    fill(made, messages)
    lines.push(`${messages} messages, SELECT sum(bodylen): ${microseconds(summing(made))} us`)
    const measure = async (limit: string): Promise<string> =>
      `${messages} messages, ${limit}: check ${microseconds(await checks(made))} us, ` +
      `${await deliveries(made)} deliveries/s by 10 at once`
    lines.push(await measure('no limit'))
    await made.storage.setLimit(user, much)
    lines.push(await measure('own limit'))
    await made.storage.setLimit(user, null)
    await made.storage.setDomainLimit('example.org', much)
    lines.push(await measure('limit of the domain'))
  }
  return lines
}

const microseconds = (milliseconds: number): string => (milliseconds * 1000).toFixed(1)

const database = ({ directory }: TestStorage): DatabaseSync =>
  new DatabaseSync(`${directory}/imapsql.db`, { timeout: 60_000 })

/** More messages like the first, as another program might add them. */
const fill = (made: TestStorage, messages: number): void => {
  using db = database(made)
  db.exec(`PRAGMA synchronous = OFF; BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ${messages})
    INSERT INTO msgs SELECT mboxid, i, date, bodylen, 0, bodystructure, cachedheader, extbodykey, 0, '', 0 FROM n, msgs
      WHERE msgid = 1;
    UPDATE extkeys SET refs = ${messages};
    UPDATE mboxes SET uidnext = ${messages + 1}, msgscount = ${messages}; COMMIT`)
}

/** What the counters spare: milliseconds. */
const summing = (made: TestStorage): number => {
  using db = database(made)
  const statement = db.prepare('SELECT sum(m.bodylen) FROM msgs m JOIN mboxes b ON b.id = m.mboxid WHERE b.uid = 1')
  const start = performance.now()
  statement.get()
  return performance.now() - start
}

/** Milliseconds for a check, as the transaction of a delivery makes it. */
const checks = async (made: TestStorage): Promise<number> => {
  using db = database(made)
  const statements = new SqliteStatements(db)
  const count = 20_000
  let start = 0
  for (let n = -2000; n < count; n++) {
    if (n === 0) start = performance.now() // warm
    await refuseOverQuota(statements, user)
  }
  return (performance.now() - start) / count
}

/** Messages stored a second by ten at once. */
const deliveries = async (made: TestStorage): Promise<number> => {
  let count = 0
  const work = async (until: number): Promise<void> => {
    for (; performance.now() < until; count++) await deliver(made.storage, [user], kilobyte)
  }
  await work(performance.now() + 300) // warm
  count = 0
  const start = performance.now()
  await Promise.all(Array.from({ length: 10 }, () => work(start + 2000)))
  return Math.round((count * 1000) / (performance.now() - start))
}

if (import.meta.main) for (const line of await bench()) console.log(line)
