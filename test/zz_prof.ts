import { postgres } from './support/postgres.ts'
import { postgresSchemas, runOn } from './modules/storage/databases.ts'
import { deliver, message, open } from './modules/storage/support.ts'
const kilobyte = message(`From: a@example.net\nTo: b@example.org\nSubject: bench\n\n${'x'.repeat(76)}\n`.padEnd(1000, `${'y'.repeat(76)}\n`))
const server = await postgres({ durable: true })
runOn(postgresSchemas(server))
try {
  await using made = await open('msg_store sql')
  const accounts = Number(process.argv[2] ?? 1), conc = Number(process.argv[3] ?? 50)
  for (let i = 0; i < accounts; i++) await made.storage.create(`b${i}@x.org`, [])
  let count = 0
  const work = async (until: number) => { for (; performance.now() < until; ) { const n = count++; await deliver(made.storage, [`b${n % accounts}@x.org`], kilobyte) } }
  await Promise.all(Array.from({ length: conc }, () => work(performance.now() + 1000)))
  count = 0
  const c0 = process.cpuUsage(); const s = performance.now()
  await Promise.all(Array.from({ length: conc }, () => work(s + 4000)))
  const c = process.cpuUsage(c0)
  console.log('rate', count / 4, 'node cpu us/msg', (c.user + c.system) / count, 'node cpu util', (c.user + c.system) / 4e6)
  if (process.env.STAT) console.log((await made.db.rows("SELECT relname, n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables WHERE schemaname = current_schema()")).map(r => r.join(' ')).join('\n'))
} finally { await server[Symbol.asyncDispose]() }
