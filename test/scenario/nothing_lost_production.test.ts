import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { connectClient, findPostgres } from '../../core/kit/sql/postgres_server.ts'
import { SmtpClient, SmtpRefusal } from '../bench/load/smtp_client.ts'
import { WireClosed } from '../bench/load/wire.ts'
import { postgres } from '../support/postgres.ts'
import { folder as newFolder, tsmaddy } from '../support/process.ts'
import { s3Store } from '../support/s3.ts'
import { RunningServer } from './running_server.ts'
import type { Stored } from './support.ts'
import { dotStuffed, everyMessage, login, mailServer, messageOf, seeded } from './support.ts'

/** Clients of each process. */
const clients = 4

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
    const content = messageOf(id, number % 100 === 99 ? 1_300_000 : number % 20 === 19 ? 60_000 : 1_000)
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

/** One of the processes, which is killed and started again, each time on other ports. */
class Place implements AsyncDisposable {
  readonly #directory: string
  readonly #conf: string
  #server: Promise<RunningServer> | undefined

  constructor(directory: string, conf: string) {
    this.#directory = directory
    this.#conf = conf
  }

  /** Those who ask for the port meanwhile wait until it serves. */
  async start(): Promise<void> {
    this.#server = RunningServer.start(this.#directory, this.#conf)
    await this.#server
  }

  /** Those of SMTP and IMAP. */
  async ports(): Promise<readonly [number, number]> {
    const [smtp = 0, imap = 0] = (await (await this.#server)?.ports()) ?? []
    return [smtp, imap]
  }

  async killAndStart(): Promise<void> {
    await (await this.#server)?.kill()
    await this.start()
  }

  async stop(): Promise<number | null | undefined> {
    return (await this.#server)?.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#server)?.[Symbol.asyncDispose]()
  }
}

/** Sends one message after the other, over a new connection when the last one has ended. */
const send = async (place: Place, ledger: Ledger, enough: AbortSignal): Promise<void> => {
  while (!enough.aborted) {
    try {
      const [smtp] = await place.ports()
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

/** The server was killed, or is being started; the control socket of one that was killed is of no use either. */
const isGone = (error: unknown): boolean =>
  error instanceof WireClosed ||
  (error instanceof Error && 'code' in error && /^(ECONNRESET|ECONNREFUSED|EPIPE|ENOENT)$/.test(String(error.code)))

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

test('of two processes that share PostgreSQL and a bucket, killed, cut off and refused in turn, no message is lost, doubled or left over', async () => {
  await using server = await postgres()
  await using s3 = await s3Store()
  await using [firstFolder, secondFolder] = [await newFolder(), await newFolder()] as never
})
