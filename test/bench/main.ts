import { readdir } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { login, mailServer, password, user } from '../scenario/support.ts'
import { inbound } from './inbound.ts'
import { discardLimit, diskLimits, type Limits } from './limits.ts'
import { imapLoad } from './load/imap.ts'
import type { ImapClient } from './load/imap_client.ts'
import type { Probe } from './load/probe.ts'
import type { SmtpLoadResult } from './load/smtp.ts'
import { SmtpClient } from './load/smtp_client.ts'
import { megabytes, number, table } from './load/table.ts'
import { production } from './production.ts'
import { type MeasuredServer, measured } from './server.ts'

/** How far measuring goes; `--quick` makes it short. */
interface Extent {
  /** Messages a load has at 1, 10 and 50 connections. */
  readonly messages: Readonly<Record<number, number>>
  /** Messages of 100 KB. */
  readonly large: number
  /** How many messages the mailbox has that IMAP is measured on. */
  readonly mailbox: number
  readonly reads: number
  /** How many clients wait in IDLE. */
  readonly idle: number
}

const full: Extent = {
  messages: { 1: 2000, 10: 15_000, 50: 30_000 },
  large: 1500,
  mailbox: 100_000,
  reads: 1000,
  idle: 1000,
}
const quick: Extent = { messages: { 1: 300, 10: 2000, 50: 4000 }, large: 200, mailbox: 10_000, reads: 300, idle: 200 }

const headings = [
  'SMTP',
  'messages/s',
  'p50 ms',
  'p99 ms',
  'of discard',
  'per sync',
  'loop p99 ms',
  'CPU us/message',
  'RSS',
]

/** The report of all that is measured, line by line as it becomes known. */
class Report {
  readonly #extent: Extent
  readonly #limits: Limits
  /** Messages a second that smtp-server discards, by size and connections. */
  readonly #discarded = new Map<string, number>()

  constructor(extent: Extent, limits: Limits) {
    this.#extent = extent
    this.#limits = limits
  }

  async smtp(): Promise<void> {
    const rows: (readonly string[])[] = []
    for (const { connections, messages, size } of this.#loads()) {
      const result = await discardLimit(connections, messages, size)
      this.#discarded.set(`${size}/${connections}`, result.rate)
      rows.push(this.#row('smtp-server, discarding', connections, size, result))
    }
    for (const { name, conf } of servers) {
      await using server = await measured(conf)
      await server.measure({ connections: 10, messages: 500, size: 1024 }) // compiles what is hot
      for (const { connections, messages, size } of this.#loads()) {
        const result = await server.measure({ connections, messages, size })
        const row = this.#row(name, connections, size, result, result)
        rows.push([...row, megabytes(server.server.residentMemory)])
      }
    }
    console.log(`\n${table(headings, rows)}`)
  }

  #loads(): readonly { readonly connections: number; readonly messages: number; readonly size: number }[] {
    const { messages, large } = this.#extent
    const small = Object.entries(messages).map(([connections, count]) => ({
      connections: Number(connections),
      messages: count,
      size: 1024,
    }))
    return [...small, { connections: 50, messages: large, size: 102_400 }]
  }

  #row(name: string, connections: number, size: number, result: SmtpLoadResult, probe?: Probe): readonly string[] {
    if (result.refused.length > 0) console.log(`${name}: refused: ${result.refused.join('; ')}`)
    const discarded = this.#discarded.get(`${size}/${connections}`) ?? Number.NaN
    return [
      `${name}, ${size / 1024} KB, ${connections} connections`,
      number(result.rate),
      number(result.p50),
      number(result.p99),
      `${number((100 * result.rate) / discarded)} %`,
      number(result.rate / this.#limits.syncs),
      ...(probe ? [number(probe.delayP99), number((probe.cpu * 1000) / result.acknowledged)] : []),
    ]
  }

  async imap(): Promise<void> {
    const { mailbox, reads } = this.#extent
    await using server = await measured(mailServer())
    const filled = await fill(server, mailbox)
    console.log(`\n${mailbox} messages in one mailbox, delivered in ${number(filled.seconds)} s`)
    await server.probe()
    const timings = await imapLoad({ port: server.imap, user, password, reads })
    const { delayP99, delayMax } = await server.probe()
    const rows = timings.map(({ what, milliseconds, count, p99 }) => [
      what,
      number(milliseconds),
      number((milliseconds * 1000) / count),
      p99 === undefined ? '' : number(p99),
    ])
    console.log(table(['IMAP', 'ms', 'us each', 'p99 ms'], rows))
    const memory = megabytes(server.server.residentMemory)
    console.log(`loop delay p99 ${number(delayP99)} ms, at most ${number(delayMax)} ms; RSS ${memory}`)
  }

  /** What a client costs that waits for mail, and how long it takes until all know of some. */
  async idle(): Promise<void> {
    const count = this.#extent.idle
    await using server = await measured(mailServer())
    using held = new DisposableStack()
    const before = server.server.residentMemory
    const waiting: ImapClient[] = []
    for (let opened = 0; opened < count; opened++) {
      const client = held.use(await login(server.imap))
      await client.idle()
      waiting.push(client)
    }
    const each = (server.server.residentMemory - before) / count / 1024
    using sender = await SmtpClient.open(server.smtp)
    await sender.expect('EHLO client.example', 250)
    const start = performance.now()
    await Promise.all([
      sender.deliver('sender@example.org', user, 'Subject: news\r\n\r\n'),
      ...waiting.map(async (client) => {
        while (!/ EXISTS$/.test((await client.line()).text));
      }),
    ])
    const told = number(performance.now() - start)
    console.log(`\n${count} clients in IDLE: ${number(each)} KB each; all are told of a message within ${told} ms`)
  }
}

const dummy = `hostname mx.example.test
tls off
smtp tcp://127.0.0.1:0 {
  deliver_to dummy
}`

const servers = [
  { name: 'tsmaddy to dummy', conf: dummy },
  { name: 'tsmaddy to mailbox, sql', conf: mailServer() },
  { name: 'tsmaddy to mailbox, fs', conf: mailServer({ store: 'fs messages' }) },
]

/** Real deliveries, since those are what the mailbox is to be like. */
const fill = async (server: MeasuredServer, messages: number): Promise<SmtpLoadResult> => {
  const result = await server.measure({ connections: 50, messages, size: 2048 })
  if (result.acknowledged < messages) throw new Error(`only ${result.acknowledged} are there: ${result.refused}`)
  return result
}

const rate = (perSecond: number): string => `${number(perSecond)} /s`

/** What other files of this folder measure. */
const others = async (): Promise<void> => {
  for (const file of (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.ts')).sort()) {
    if (file === 'main.ts') continue
    const { bench } = (await import(new URL(file, import.meta.url).href)) as { bench?: () => Promise<unknown> }
    if (bench === undefined) continue
    console.log(`\n${file}`)
    const lines = await bench()
    if (Array.isArray(lines)) for (const line of lines) console.log(line)
    else if (lines !== undefined) console.log(lines)
  }
}

const options = new Set(process.argv.slice(2))
const parts = ['--smtp', '--imap', '--inbound', '--production']
const unknown = [...options].filter((option) => !['--quick', '--all', ...parts].includes(option))
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(' ')}; there are --quick, --all, and ${parts.join(', ')} (one of these alone)`)
  process.exit(2)
}

const chosen = options.has('--quick') ? quick : full
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads, Node ${process.version}`)
const limits = await diskLimits(options.has('--quick') ? 500 : 2000)
console.log(
  table(
    ['disk', ''],
    [
      ['append 4 KB and fdatasync', rate(limits.syncs)],
      ['SQLite, 1 KB in each transaction', rate(limits.inserts)],
      ['SQLite, 50 of 1 KB in each transaction', rate(limits.groupedInserts)],
    ],
  ),
)
const report = new Report(chosen, limits)
const only = parts.find((option) => options.has(option))
if (!only || only === '--smtp') await report.smtp()
if (!only || only === '--imap') {
  await report.imap()
  await report.idle()
}
if (!only || only === '--inbound') console.log(`\n${await inbound(chosen.messages)}`)
if (!only || only === '--production') console.log(`\n${await production(chosen.messages)}`)
if (options.has('--all')) await others()
