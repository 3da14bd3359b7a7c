import { Agent, request } from 'node:http'
import { RunningServer } from '../scenario/running_server.ts'
import { folder } from '../support/process.ts'
import { number, table } from './load/table.ts'

const login = { email: 'admin@example.test', password: 'for the bench only' }

const conf = `hostname mx.example.test
tls off
auth.pass_table local_authdb {
  table sql_table {
    driver sqlite3
    dsn credentials.db
    table_name passwords
  }
}
storage.imapsql local_mailboxes {
  driver sqlite3
  dsn imapsql.db
  msg_store sql
}
imap tcp://127.0.0.1:0 {
  auth &local_authdb
  storage &local_mailboxes
}
rest_api tcp://127.0.0.1:0 {
  admin_email ${login.email}
  admin_password "${login.password}"
  requests_per_second 1000000
}`

interface Load {
  readonly what: string
  readonly method: string
  /** Of the nth request. */
  readonly path: (n: number) => string
  readonly body?: (n: number) => unknown
  readonly count: number
}

const first = 200

const loads: readonly Load[] = [
  { what: 'POST user with mailboxes', method: 'POST', path: () => '/v1/users', body: user, count: first },
  { what: 'GET user', method: 'GET', path: (n) => `/v1/users/user${n % first}@example.test`, count: 5000 },
  { what: 'GET users', method: 'GET', path: () => '/v1/users', count: 3000 },
  { what: 'GET user quota', method: 'GET', path: (n) => `/v1/users/user${n % first}@example.test/quota`, count: 5000 },
  {
    what: 'PUT user quota',
    method: 'PUT',
    path: (n) => `/v1/users/user${n % first}@example.test/quota`,
    body: (n) => ({ quotaBytes: n }),
    count: 3000,
  },
  { what: 'GET domain quota, 200 users', method: 'GET', path: () => '/v1/domains/example.test/quota', count: 1000 },
  { what: 'GET stats', method: 'GET', path: () => '/v1/stats', count: 5000 },
  { what: 'GET /', method: 'GET', path: () => '/', count: 5000 },
]

function user(n: number): unknown {
  return { username: `user${n}@example.test`, password: `password ${n}`, createMailboxes: true }
}

/** Requests per second to the API, from ten connections that are kept. */
export const bench = async (): Promise<string> => {
  await using directory = await folder()
  await using server = await RunningServer.start(directory.path, conf)
  const port = (await server.ports()).at(-1) ?? 0
  const agent = new Agent({ keepAlive: true, maxSockets: 10 })
  const rows: string[][] = []
  for (const load of loads) {
    const times: number[] = []
    const started = performance.now()
    let next = 0
    const worker = async () => {
      for (let n = next++; n < load.count; n = next++) {
        const begun = performance.now()
        await ask({ agent, port, ...load }, n)
        times.push(performance.now() - begun)
      }
    }
    await Promise.all(Array.from({ length: 10 }, worker))
    const seconds = (performance.now() - started) / 1000
    const sorted = times.toSorted((a, b) => a - b)
    const at = (part: number) => number(sorted[Math.floor(sorted.length * part)] ?? Number.NaN)
    rows.push([load.what, number(load.count / seconds), at(0.5), at(0.99)])
  }
  agent.destroy()
  return table(['REST, 10 connections', 'requests/s', 'p50 ms', 'p99 ms'], rows)
}

const ask = ({ agent, port, method, path, body }: Load & { agent: Agent; port: number }, n: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const text = body && JSON.stringify(body(n))
    const sent = request({
      agent,
      host: '127.0.0.1',
      port,
      method,
      path: path(n),
      auth: `${login.email}:${login.password}`,
      headers: text ? { 'Content-Type': 'application/json', 'Content-Length': String(Buffer.byteLength(text)) } : {},
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      if ((response.statusCode ?? 500) >= 300) reject(new Error(`${method} ${path(n)}: ${response.statusCode}`))
      response.resume()
      response.on('end', () => resolve())
    })
    sent.end(text)
  })

if (import.meta.main) console.log(await bench())
