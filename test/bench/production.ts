import { Agent, request } from 'node:http'
import { connectClient, findPostgres } from '../../core/kit/sql/postgres_server.ts'
import { login, mailServer } from '../scenario/support.ts'
import { postgres } from '../support/postgres.ts'
import { type SmtpLoad, type SmtpLoadResult, smtpLoad } from './load/smtp.ts'
import { megabytes, number, table } from './load/table.ts'
import { store } from './s3.ts'
import { type MeasuredServer, measured } from './server.ts'
import { commits } from './storage.ts'

/** Messages to one account go one after the other, and those of a real server are seldom for the same. */
const accounts = 20
const recipients = Array.from({ length: accounts }, (_, n) => `user${n + 1}@example.test`)
const size = 1024

const headings = [
  `production, 1 KB, ${accounts} accounts`,
  'processes',
  'connections',
  'messages/s',
  'p50 ms',
  'p99 ms',
  'of commits',
  'of puts',
  'loop p99 ms',
  'CPU us/message',
  'RSS',
]

/**
 * Deliveries into PostgreSQL, with bodies in S3 and in the database itself, by one process and by two that share both; and
 * what this PostgreSQL and this S3 do by themselves. PostgreSQL waits for the disk; the S3 server, in a process of its own,
 * keeps all in memory.
 */
export const production = async (messages: Readonly<Record<number, number>>): Promise<string> => {
  await using database = await postgres({ durable: true })
  await using s3 = await store()
  const counts = Object.keys(messages).map(Number)
  const limits = new Map<number, Limits>()
  await puts(s3.endpoint, 10) // compiles what is hot
  for (const connections of counts) {
    limits.set(connections, {
      commits: await commits(database.dsn(), connections),
      puts: await puts(s3.endpoint, connections),
    })
  }
  const inS3 = `s3 {\n    endpoint ${s3.endpoint}\n    secure no\n    bucket mail\n    access_key a\n    secret_key s\n  }`
  const rows: string[][] = []
  for (const { name, kept } of [
    { name: 'PostgreSQL + S3', kept: inS3 },
    { name: 'PostgreSQL, msg_store sql', kept: 'sql' },
  ]) {
    for (const processes of [1, 2]) {
      const dsn = database.dsn(await database.createDatabase())
      const conf = mailServer({ database: `driver postgres\n  dsn "${dsn}"`, store: kept, accounts })
      await using servers = await Servers.start(conf, processes)
      await servers.measure({ connections: 10, messages: 500, size }) // compiles what is hot
      for (const [connections, count] of Object.entries(messages)) {
        const load = { connections: Math.max(processes, Number(connections)), messages: count, size }
        const { rate, p50, p99, acknowledged, refused, delayP99, cpu } = await servers.measure(load)
        if (refused.length > 0) throw new Error(`${name}: refused: ${refused.join('; ')}`)
        const { commits = Number.NaN, puts = Number.NaN } = limits.get(Number(connections)) ?? {}
        const figures = [rate, p50, p99].map(number)
        const shares = [share(rate, commits), kept === 'sql' ? '' : share(rate, puts)]
        const costs = [number(delayP99), number((cpu * 1000) / acknowledged), megabytes(servers.residentMemory)]
        rows.push([name, String(processes), String(load.connections), ...figures, ...shares, ...costs])
      }
    }
  }
  const alone = [...limits].map(([connections, { commits, puts }]) => [String(connections), `${commits}`, `${puts}`])
  const limitsTable = table(['connections', 'commits/s of this PostgreSQL', 'puts/s of this S3'], alone)
  return `${await settings(database.dsn())}\n${limitsTable}\n\n${table(headings, rows)}`
}

/** A second, of 1 KB each, by clients that do nothing else. */
interface Limits {
  readonly commits: number
  readonly puts: number
}

const share = (rate: number, limit: number): string => `${number((100 * rate) / limit)} %`

/** Processes with the same configuration, as one whole. */
class Servers implements AsyncDisposable {
  readonly #all: readonly MeasuredServer[]
  readonly #held: AsyncDisposableStack

  private constructor(all: readonly MeasuredServer[], held: AsyncDisposableStack) {
    this.#all = all
    this.#held = held
  }

  static async start(conf: string, processes: number): Promise<Servers> {
    await using held = new AsyncDisposableStack()
    const all: MeasuredServer[] = []
    for (let n = 0; n < processes; n++) all.push(held.use(await measured(conf)))
    for (const account of recipients) (await login(all[0]?.imap ?? 0, account))[Symbol.dispose]() // makes it
    return new Servers(all, held.move())
  }

  /** The event loop's delay is that of the worse process, processor time that of all. */
  async measure(load: Omit<SmtpLoad, 'port'>): Promise<SmtpLoadResult & { delayP99: number; cpu: number }> {
    await this.#probes()
    const result = await smtpLoad({ port: this.#all.map(({ smtp }) => smtp), recipients, ...load })
    const probes = await this.#probes()
    const delayP99 = Math.max(...probes.map((probe) => probe.delayP99))
    return { ...result, delayP99, cpu: probes.reduce((sum, { cpu }) => sum + cpu, 0) }
  }

  #probes() {
    return Promise.all(this.#all.map((each) => each.probe()))
  }

  get residentMemory(): number {
    return this.#all.reduce((sum, { server }) => sum + server.residentMemory, 0)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#held.disposeAsync()
  }
}

/** Objects of a kilobyte, one after the other on each connection, by plain HTTP without signatures; a second. */
const puts = async (endpoint: string, connections: number): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const body = Buffer.alloc(size, 'x')
  let count = 0
  const put = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const url = `http://${endpoint}/mail/limit-${connections}-${count++}`
      const sent = request(url, { agent, method: 'PUT', headers: { 'Content-Length': size } })
      sent.on('error', reject)
      sent.on('response', (response) => {
        if (response.statusCode !== 200) reject(new Error(`PUT ${url}: ${response.statusCode}`))
        response.resume().on('end', resolve)
      })
      sent.end(body)
    })
  const start = performance.now()
  const work = async (): Promise<void> => {
    while (performance.now() - start < 1000) await put()
  }
  await Promise.all(Array.from({ length: connections }, work))
  agent.destroy()
  return Math.round((count * 1000) / (performance.now() - start))
}

/** Whether PostgreSQL waits for the disk, as it says itself. */
const settings = async (dsn: string): Promise<string> => {
  const { config } = await findPostgres(dsn, { path: (written) => written, env: {} })
  const client = await connectClient(config)
  const { rows } = await client.query(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'server_version') ORDER BY name",
  )
  await client.end()
  return `PostgreSQL: ${rows.map(({ name, setting }) => `${name} ${setting}`).join(', ')}`
}
