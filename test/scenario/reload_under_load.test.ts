import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { ImapClient } from '../bench/load/imap_client.ts'
import { SmtpClient } from '../bench/load/smtp_client.ts'
import { folder as newFolder } from '../support/process.ts'
import { RunningServer } from './running_server.ts'
import { dotStuffed, login, mailServer, messageOf } from './support.ts'

/** How many clients of SMTP there are, and of IMAP, each with an account. */
const clients = 50
const reloads = 200
const warmUp = 20

/** Each SMTP session is as long as so many reloads; then another takes its place. */
const sessionLength = 10

const account = (number: number): string => `user${number + 1}@example.test`

/** A client that sends one message for every reload, some over old connections and some over a new one. */
class Sender implements Disposable {
  readonly sent: string[] = []
  readonly #port: number
  readonly #number: number
  #client: SmtpClient | undefined

  constructor(port: number, number: number) {
    this.#port = port
    this.#number = number
  }

  async send(round: number): Promise<void> {
    if ((round + this.#number) % sessionLength === 0) this.quit()
    this.#client ??= await this.#connect()
    const id = `${this.#number}.${round}@reload.example`
    await this.#client.deliver('sender@example.org', account(this.#number), dotStuffed(messageOf(id)))
    this.sent.push(id)
  }

  async #connect(): Promise<SmtpClient> {
    const client = await SmtpClient.open(this.#port)
    await client.expect('EHLO client.example', 250)
    return client
  }

  quit(): void {
    this.#client?.wire.finish()
    this.#client = undefined
  }

  [Symbol.dispose](): void {
    this.#client?.[Symbol.dispose]()
  }
}

/** A client that reads its mailbox over the one connection it has: some wait in IDLE, some ask. */
class Reader implements Disposable {
  readonly client: ImapClient
  readonly #idles: boolean
  #exists = 0
  #tag = ''

  private constructor(client: ImapClient, number: number) {
    this.client = client
    this.#idles = number % 2 === 0
  }

  static async open(port: number, number: number): Promise<Reader> {
    const reader = new Reader(await login(port, account(number)), number)
    if (reader.#idles) reader.#tag = await reader.client.idle()
    return reader
  }

  /** Resolves once it knows of that many messages. */
  async sees(count: number): Promise<void> {
    if (this.#idles) return await this.#waits(count)
    for (const { text } of await this.client.ok('NOOP')) this.#notice(text)
    assert.equal(this.#exists, count)
    const [line] = await this.client.ok(`FETCH ${count} (FLAGS ENVELOPE)`)
    assert.match(line?.text ?? '', new RegExp(`^\\* ${count} FETCH `))
  }

  async #waits(count: number): Promise<void> {
    while (this.#exists < count) this.#notice((await this.client.line()).text)
  }

  #notice(text: string): void {
    assert.doesNotMatch(text, /^\* BYE/)
    const [, exists] = /^\* (\d+) EXISTS/.exec(text) ?? []
    if (exists) this.#exists = Number(exists)
  }

  /** The identities of all messages there are. */
  async identities(): Promise<string[]> {
    if (this.#idles) {
      this.client.wire.send('DONE\r\n')
      await this.client.end(this.#tag)
    }
    const lines = await this.client.ok('FETCH 1:* (BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])')
    return lines.map(({ literals }) => /<([^>]*)>/.exec(literals[0]?.toString() ?? '')?.[1] ?? '')
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]()
  }
}

/** On SIGWINCH the server collects its garbage, and tells how many graphs are left: what it holds, not what lies around. */
const collector = `
import { queryObjects } from 'node:v8'
const { Graph } = await import(${JSON.stringify(new URL('../../core/runtime/graph.ts', import.meta.url).href)})
process.on('SIGWINCH', () => {
  gc()
  setImmediate(() => {
    gc()
    process.stderr.write('collected, graphs: ' + queryObjects(Graph, { format: 'count' }) + '\\n')
  })
})`
const collecting = ['--expose-gc', '--import', `data:text/javascript,${encodeURIComponent(collector)}`]

/** Bytes and graphs the server holds once the former configurations have ended. */
const settled = async (server: RunningServer): Promise<{ readonly bytes: number; readonly graphs: number }> => {
  const late = Date.now() + 30_000
  while ((await server.status()).retiring > 0) {
    assert.ok(Date.now() < late, 'a former configuration does not end')
    await pause(20)
  }
  const before = (await server.log()).length
  server.signal('SIGWINCH')
  const [, graphs] = await server.logs(/^collected, graphs: (\d+)$/m, before)
  const { memory } = await server.status()
  return { bytes: memory.heapUsed + memory.external, graphs: Number(graphs) }
}

test(`${reloads} reloads while ${clients} clients send and ${clients} read lose no message, session or memory`, async () => {
  await using folder = await newFolder()
  await using server = await RunningServer.start(folder.path, mailServer({ accounts: clients }), { node: collecting })
  const ports = await server.ports()
  const [smtp = 0, imap = 0] = ports
  using held = new DisposableStack()
  const numbers = Array.from({ length: clients }, (_, number) => number)
  const readers = await Promise.all(numbers.map(async (number) => held.use(await Reader.open(imap, number))))
  const senders = numbers.map((number) => held.use(new Sender(smtp, number)))
  const listening = await server.listeningSockets()
  let memory = 0

  for (let round = 1; round <= reloads; round++) {
    const [result] = await Promise.all([server.reload(), ...senders.map((sender) => sender.send(round))])
    assert.deepEqual(result, { ok: true })
    await Promise.all(readers.map((reader) => reader.sees(round)))
    if (round !== warmUp) continue
    for (const sender of senders) sender.quit()
    memory = (await settled(server)).bytes
  }

  for (const sender of senders) sender.quit()
  const { bytes, graphs } = await settled(server)
  // The one in force, and the first, whose IMAP sessions are all still there.
  assert.ok(graphs <= 2, `${graphs} configurations are in memory`)
  // Their mailboxes have grown, and the engine has compiled more by now: a leak of every session or message is far more.
  assert.ok(bytes - memory < 7_000_000, `${bytes - memory} bytes more than after ${warmUp} reloads`)
  assert.equal(await server.listeningSockets(), listening)
  assert.deepEqual(await server.ports(), ports)
  for (const number of numbers) {
    assert.deepEqual(await readers[number]?.identities(), senders[number]?.sent)
  }
  const log = await server.log()
  assert.equal(log.match(/^new server started/gm)?.length, reloads)
  assert.doesNotMatch(log, /uncaught|unhandled/)
})
