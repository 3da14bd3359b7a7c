import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connectClient, findPostgres } from '../../core/kit/sql/postgres_server.ts'
import { SmtpClient, SmtpRefusal } from '../bench/load/smtp_client.ts'
import { WireClosed } from '../bench/load/wire.ts'
import { postgres } from '../support/postgres.ts'
import { folder as newFolder, tsmaddy } from '../support/process.ts'
import { s3Store, type TestS3 } from '../support/s3.ts'
import { RunningServer } from './running_server.ts'
import type { Stored } from './support.ts'
import { dotStuffed, everyMessage, login, mailServer, messageOf, seeded } from './support.ts'

/** Clients of each process. */
const clients = 3

const accounts = ['user1@example.test', 'user2@example.test']

/** One transaction: a message of its own, which is tried once. */
interface Sent {
  readonly id: string
  readonly account: string
  readonly content: string
  /** `uncertain` when the connection ended before the reply to the data. */
  outcome: 'acknowledged' | 'refused' | 'uncertain'
}

/** What was sent, in which order, and what is known of it. */
class Ledger {
  /** Each transaction when its data begin, and again when it is acknowledged. */
  readonly events: { readonly sent: Sent; readonly what: 'begun' | 'acknowledged' }[] = []
  readonly sent = new Map<string, Sent>()
  readonly refusals: SmtpRefusal[] = []
  acknowledged = 0
  #next = 0
  #awaited: { readonly count: number; readonly resolve: () => void } | undefined

  draw(): Sent {
    const number = this.#next++
    const id = `${number}@lost.example`
    const content = messageOf(id, number % 200 === 199 ? 1_300_000 : number % 20 === 19 ? 60_000 : 1_000)
    return { id, account: accounts[number % accounts.length] ?? '', content, outcome: 'refused' }
  }

  /** From here on the end of the connection leaves open whether the message was taken. */
  begin(sent: Sent): void {
    sent.outcome = 'uncertain'
    this.sent.set(sent.id, sent)
    this.events.push({ sent, what: 'begun' })
  }

  acknowledge(sent: Sent): void {
    sent.outcome = 'acknowledged'
    this.events.push({ sent, what: 'acknowledged' })
    this.acknowledged++
    if (this.#awaited && this.acknowledged >= this.#awaited.count) this.#awaited.resolve()
  }

  refuse(sent: Sent, refusal: SmtpRefusal): void {
    sent.outcome = 'refused'
    this.refusals.push(refusal)
  }

  /** Resolves when so many more messages have been acknowledged. */
  async grows(by: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#awaited = { count: this.acknowledged + by, resolve }
    await promise
  }
}

/** What those have in common who send, and who make trouble. */
interface Sending {
  readonly ledger: Ledger
  readonly random: () => number
  /** Aborts when they are to end. */
  readonly enough: AbortSignal
}

interface Serving {
  readonly server: RunningServer
  readonly smtp: number
  readonly imap: number
}

/** One of the processes, which is killed and started again, each time on other ports. */
class Place implements AsyncDisposable {
  /** Whoever waits for it while it is down has it as soon as it serves. */
  serving: Promise<Serving>
  readonly #directory: string
  readonly #conf: string

  constructor(directory: string, conf: string) {
    this.#directory = directory
    this.#conf = conf
    this.serving = this.#start()
  }

  async #start(): Promise<Serving> {
    const server = await RunningServer.start(this.#directory, this.#conf)
    const [smtp = 0, imap = 0] = await server.ports()
    return { server, smtp, imap }
  }

  async killAndStart(): Promise<void> {
    const { server } = await this.serving
    this.serving = server.kill().then(() => this.#start())
    await this.serving
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { server } = await this.serving
    await server[Symbol.asyncDispose]()
  }
}

/** Sends one message after the other, over a new connection when the last one has ended. */
const send = async (place: Place, { ledger, enough }: Sending): Promise<void> => {
  while (!enough.aborted) {
    try {
      const { smtp } = await place.serving
      using client = await SmtpClient.open(smtp)
      await client.expect('EHLO client.example', 250)
      while (!enough.aborted) await transaction(client, ledger)
    } catch (error) {
      if (!isGone(error)) throw error
      await pause(5)
    }
  }
}

const transaction = async (client: SmtpClient, ledger: Ledger): Promise<void> => {
  const sent = ledger.draw()
  try {
    await client.deliver('sender@example.org', sent.account, dotStuffed(sent.content), () => ledger.begin(sent))
    ledger.acknowledge(sent)
  } catch (error) {
    if (!(error instanceof SmtpRefusal)) throw error
    ledger.refuse(sent, error)
    await client.expect('RSET', 250)
  }
}

/** The server was killed. */
const isGone = (error: unknown): boolean =>
  error instanceof WireClosed ||
  (error instanceof Error && 'code' in error && /^(ECONNRESET|ECONNREFUSED|EPIPE)$/.test(String(error.code)))

/** Every message of an account, as the server there shows it. */
const inboxOf = async (imap: number, account: string): Promise<readonly Stored[]> => {
  using client = await login(imap, account)
  return await everyMessage(client)
}

const checkMessages = (inboxes: ReadonlyMap<string, readonly Stored[]>, ledger: Ledger): void => {
  const uids = new Map<string, number>()
  for (const [account, inbox] of inboxes) {
    for (const [index, { id, uid, content }] of inbox.entries()) {
      const sent = ledger.sent.get(id)
      assert.ok(sent?.content === content && sent.account === account, `${id} is not what was sent`)
      assert.ok(sent.outcome !== 'refused', `${id} was refused, and is there`)
      assert.ok(!uids.has(id), `${id} is there twice`)
      assert.ok(uid > (inbox[index - 1]?.uid ?? 0), 'UIDs do not ascend')
      uids.set(id, uid)
    }
  }
  /** Of those that had been acknowledged when a message began, by account and, at that time, by message. */
  const highest = new Map<string, number>()
  const floors = new Map<string, number>()
  for (const { sent, what } of ledger.events) {
    const { id, account } = sent
    if (what === 'begun') floors.set(id, highest.get(account) ?? 0)
    else {
      const uid = uids.get(id)
      assert.ok(uid !== undefined, `${id} is lost`)
      assert.ok(uid > (floors.get(id) ?? 0), `${id} has a lower UID than one that was there before`)
      highest.set(account, Math.max(uid, highest.get(account) ?? 0))
    }
  }
}

/** A way into the database beside the servers. */
const openDatabase = async (dsn: string) => {
  const { config } = await findPostgres(dsn, { path: (written) => written, env: {} })
  const client = await connectClient(config)
  return {
    rows: async (sql: string): Promise<unknown[][]> => (await client.query({ text: sql, rowMode: 'array' })).rows,
    [Symbol.asyncDispose]: () => client.end(),
  }
}

/** Ends all connections but the one that says so. */
const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`

/** Each of these counts what `msgs` has, and gives rows where it is wrong. */
const miscounts = [
  `SELECT u.username, t.size FROM users u JOIN tsmaddy_users t ON t.uid = u.id
    WHERE t.size <> (SELECT coalesce(sum(m.bodylen), 0) FROM msgs m JOIN mboxes b ON b.id = m.mboxid WHERE b.uid = u.id)`,
  `SELECT b.id, b.msgscount, t.messages, t.size FROM mboxes b JOIN tsmaddy_mboxes t ON t.mboxid = b.id,
    LATERAL (SELECT count(*) AS messages, coalesce(sum(bodylen), 0) AS size FROM msgs WHERE mboxid = b.id) AS m
    WHERE (b.msgscount, t.messages, t.size) IS DISTINCT FROM (m.messages, m.messages, m.size)`,
  'SELECT id, uidnext FROM mboxes b WHERE uidnext <= (SELECT max(msgid) FROM msgs WHERE mboxid = b.id)',
  'SELECT id, refs FROM extkeys e WHERE refs <> (SELECT count(*) FROM msgs WHERE extbodykey = e.id)',
]

/** Makes S3 refuse what is put and deleted, and at times do it and not answer, until clients have noticed. */
const refuse = async (s3: TestS3, { ledger, random, enough }: Sending): Promise<void> => {
  const before = ledger.refusals.length
  s3.fault = ({ method }) => {
    if (method !== 'PUT' && method !== 'POST' && method !== 'DELETE') return undefined
    return method === 'PUT' && random() < 0.3 ? 'deaf' : { status: 503, code: 'SlowDown' }
  }
  while (ledger.refusals.length < before + 10 && !enough.aborted) await pause(10)
  s3.fault = () => undefined
}

test('of two processes that share PostgreSQL and a bucket, killed, cut off and refused in turn, no message is lost, doubled or left over', async () => {
  await using database = await postgres()
  await using s3 = await s3Store()
  const dsn = database.dsn(await database.createDatabase())
  await using mailboxes = await openDatabase(dsn)
  await using firstFolder = await newFolder()
  await using secondFolder = await newFolder()
  const conf = mailServer({ database: `driver postgres\n  dsn "${dsn}"`, store: `s3 {\n${s3.conf()}\n}`, accounts: 2 })
  // Both at once, each of which would make the tables.
  await using first = new Place(firstFolder.path, conf)
  await using second = new Place(secondFolder.path, conf)
  for (const account of accounts) (await login((await first.serving).imap, account))[Symbol.dispose]() // makes it
  await second.serving

  const random = seeded(3)
  const ledger = new Ledger()
  const end = new AbortController()
  const enough = end.signal
  const sending = { ledger, random, enough }
  let cut = 0
  const cutOff = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      await pause(random() * 100)
      cut += (await mailboxes.rows(terminate)).length
    }
  }
  const troubles = [
    () => first.killAndStart(),
    () => cutOff(5),
    () => second.killAndStart(),
    () => refuse(s3, sending),
    () => cutOff(1).then(() => first.killAndStart()), // while it finds out what has become of its transactions
    () => Promise.all([refuse(s3, sending), cutOff(3)]),
    () => Promise.all([refuse(s3, sending), second.killAndStart()]),
  ]
  const senders = [first, second].flatMap((place) => Array.from({ length: clients }, () => send(place, sending)))
  const through = async (): Promise<void> => {
    for (const trouble of troubles) {
      await ledger.grows(10 + Math.floor(random() * 50))
      await pause(random() * 10)
      if (enough.aborted) return
      await trouble()
    }
    await ledger.grows(30) // all is as before
    end.abort()
  }
  await Promise.all([through(), ...senders]).finally(() => end.abort())
  assert.ok(cut > 0)
  for (const { reply } of ledger.refusals) assert.equal(Math.floor(reply.code / 100), 4, reply.text)

  const inboxes = new Map<string, readonly Stored[]>()
  for (const account of accounts) {
    const inbox = await inboxOf((await first.serving).imap, account)
    inboxes.set(account, inbox)
    using client = await login((await second.serving).imap, account)
    const [found] = await client.ok('UID SEARCH ALL')
    assert.equal(found?.text, `* SEARCH ${inbox.map(({ uid }) => uid).join(' ')}`)
  }
  checkMessages(inboxes, ledger)
  for (const sql of miscounts) assert.deepEqual(await mailboxes.rows(sql), [])

  for (const place of [first, second]) assert.equal(await (await place.serving).server.stop(), 0)
  // Two days later, those that were killed are known to be gone for good.
  await mailboxes.rows('UPDATE tsmaddy_leases SET alive = 0')
  const blobs = await s3.keys()
  for (const key of blobs) s3.dates.set(key, new Date(Date.now() - 48 * 60 * 60 * 1000))
  const { config } = (await first.serving).server
  const collected = await tsmaddy(['-config', config, 'blobs', 'gc'])
  assert.equal(collected.status, 0, collected.stderr)
  const named = await mailboxes.rows('SELECT DISTINCT extbodykey FROM msgs')
  assert.ok(blobs.length > named.length, 'nothing was left over, and so nothing has been shown')
  assert.deepEqual((await s3.keys()).sort(), named.flat().sort())
})
