import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Check, Context, Directives, Envelope, Fields, Lifecycle, Resolver, Scope } from '../../../core/index.ts'
import { ConfigError, Counters, pipelineDirectives, readBlock, SmtpError } from '../../../core/index.ts'
import { formatAddress } from '../../../core/kit/address/index.ts'
import { zone } from '../../../core/kit/dns/memory.ts'
import { bytesOf } from '../../../core/kit/message/body.ts'
import { LoginGuard } from '../../../core/mail/logins.ts'
import type { Delivery, Target } from '../../../core/mail/target.ts'
import type { Node } from '../../../grammar/node.ts'
import { listen, lmtpDirectives, smtpDirectives, submissionDirectives } from '../../../modules/_smtp/directives.ts'
import { type Kind, makeEndpoint } from '../../../modules/_smtp/endpoint.ts'
import dummy from '../../../modules/dummy.ts'
import limits from '../../../modules/limits/index.ts'
import { type Line, lineLogger } from '../../support/logger.ts'
import { nodes } from '../../support/nodes.ts'
import { dial, type WireClient } from '../../support/wire.ts'

export interface Delivered {
  readonly envelope: Envelope
  readonly rcpts: readonly string[]
  readonly header: string
  readonly body: string
  /** Where the body was kept. */
  readonly inMemory: boolean
}

/**
 * A target that keeps what is committed. It refuses recipients whose local part is `550` with that code, those that begin
 * with `late` at the content, and anything at all when told to fail.
 */
export class Box implements Target {
  readonly delivered: Delivered[] = []
  readonly events: string[] = []
  /** Called before a message is kept. */
  beforeCommit: () => Promise<void> = async () => {}
  fail: { begin?: Error; rcpt?: Error; message?: Error; commit?: Error } = {}

  async begin(envelope: Envelope): Promise<Delivery> {
    if (this.fail.begin) throw this.fail.begin
    this.events.push('begin')
    const rcpts: { readonly local: string; readonly domain: string }[] = []
    let taken: Delivered | undefined
    return {
      recipient: async (to) => {
        if (this.fail.rcpt) throw this.fail.rcpt
        if (to.local === '550') throw SmtpError.permanent(550, '5.1.1', 'No such user')
        rcpts.push(to)
      },
      message: async ({ header, body }) => {
        if (this.fail.message) throw this.fail.message
        taken = {
          envelope,
          rcpts: rcpts.map(formatAddress),
          header: Buffer.from(header.bytes()).toString(),
          body: (await bytesOf(body)).toString(),
          inMemory: body.memory !== undefined,
        }
        const late = rcpts.filter(({ local }) => local.startsWith('late'))
        return new Map(late.map((to) => [to, SmtpError.permanent(550, '5.2.0', 'Too late')]))
      },
      commit: async () => {
        await this.beforeCommit()
        if (this.fail.commit) throw this.fail.commit
        if (taken) this.delivered.push(taken)
        this.events.push('commit')
      },
      [Symbol.asyncDispose]: async () => {
        this.events.push('dispose')
      },
    }
  }
}

export interface TestEndpoint extends AsyncDisposable {
  readonly box: Box
  readonly lines: Line[]
  readonly ports: readonly number[]
  readonly directory: string
  readonly stop: AbortController
  /** Sessions that have ended. */
  readonly ended: Promise<void>[]
  /** Connects to the nth address, and reads the banner. */
  dial(nth?: number, localAddress?: string): Promise<WireClient>
  /** As `dial`, and EHLO or LHLO is said. */
  greeted(nth?: number, localAddress?: string): Promise<WireClient>
  /** Events of that name. */
  logged(event: string): readonly Fields[]
}

const directivesOf: Record<Kind, Directives> = {
  smtp: smtpDirectives,
  submission: submissionDirectives,
  lmtp: lmtpDirectives,
}

export interface EndpointOptions {
  readonly dns?: Resolver
  /** What `&name` stands for. */
  readonly instances?: Readonly<Record<string, unknown>>
  readonly box?: Box
  /** Besides the one that refuses senders from `refused.example`. */
  readonly checks?: readonly Check[]
  readonly counters?: Counters
}

/** An endpoint at work, from a block such as `smtp tcp://127.0.0.1:0 { hostname mx.h.example … }`. */
export const endpoint = async (
  conf: string,
  { dns = zone({}), instances = {}, box = new Box(), checks = [], counters = new Counters() }: EndpointOptions = {},
): Promise<TestEndpoint> => {
  await using held = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tsmaddy-smtp-'))
  held.defer(() => rm(directory, { recursive: true, force: true }))
  const lines: Line[] = []
  const ports: number[] = []
  const ended: Promise<void>[] = []
  const sockets = new Set<Socket>()
  const stop = new AbortController()
  const made = await create(conf, { dns, instances, box, checks, counters, directory, lines, serve })

  async function serve(...[addresses, session]: Parameters<Context['serve']>) {
    for (const address of addresses) {
      const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
        sockets.add(socket)
        const running = session(socket, address, stop.signal).catch((error) => {
          lines.push({ level: 'error', event: 'session failed', fields: { reason: String(error) } })
          socket.destroy()
        })
        ended.push(running)
      })
      await new Promise<void>((resolve) =>
        address.scheme === 'unix' ? server.listen(address.path, resolve) : server.listen(0, '127.0.0.1', resolve),
      )
      if (address.scheme !== 'unix') ports.push((server.address() as { port: number }).port)
      held.defer(() => new Promise<void>((resolve) => server.close(() => resolve())))
      held.defer(async () => {
        for (const socket of sockets) socket.destroy()
        await Promise.all(ended)
      })
    }
  }

  const start = new AsyncDisposableStack()
  await made.start?.(start)
  const verb = conf.trimStart().startsWith('lmtp') ? 'LHLO' : 'EHLO'
  const connect = async (nth = 0, localAddress?: string) => {
    const client = await dial(ports[nth] ?? 0, localAddress === undefined ? {} : { localAddress })
    await client.expect('220 *')
    return client
  }
  const kept = held.move()
  return {
    box,
    lines,
    ports,
    directory,
    stop,
    ended,
    dial: connect,
    async greeted(nth, localAddress) {
      const client = await connect(nth, localAddress)
      await client.command(`${verb} client.example`, '250 *')
      return client
    },
    logged: (event) => lines.filter((line) => line.event === event).map(({ fields }) => fields),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}

/** Refuses senders from `refused.example`. */
const senderCheck: Check = {
  name: 'sender',
  timeout: 0,
  begin: () => ({
    async sender(from) {
      if (from?.domain !== 'refused.example') return undefined
      return { action: 'reject', reason: SmtpError.permanent(550, '5.7.1', 'Not from ж') }
    },
  }),
}

interface Surroundings {
  readonly dns: Resolver
  readonly instances: Readonly<Record<string, unknown>>
  readonly box: Box
  readonly checks: readonly Check[]
  readonly counters: Counters
  readonly directory: string
  readonly lines: Line[]
  readonly serve: Context['serve']
}

const create = async (conf: string, around: Surroundings): Promise<Lifecycle> => {
  const [node] = await nodes(conf)
  if (!node) throw new Error('no block')
  const kind = node.name.text as Kind
  const scope = scopeOf(around)
  const config = await readBlock(directivesOf[kind], node, scope)
  const inline = await listen.read('listen', [{ name: node.name, args: node.args }], node.name, scope)
  const context: Context = {
    name: kind,
    at: node.name.at,
    log: lineLogger(around.lines),
    dns: around.dns,
    directories: { state: around.directory, runtime: around.directory, libexec: around.directory },
    logins: new LoginGuard({ first: 1, longest: 1 }),
    counters: around.counters,
    smtpPort: 25,
    path: (written) => join(around.directory, written),
    serve: around.serve,
    shared: () => {
      throw new Error('nothing is shared here')
    },
  }
  const [route] = await nodes('pipeline {\n deliver_to &box\n}')
  if (!route) throw new Error('no block')
  const pipeline = await readBlock(pipelineDirectives, route, scopeOf({ ...around, instances: { box: around.box } }))
  return makeEndpoint(
    kind,
    { ...config, ...pipeline, check: [[senderCheck, ...around.checks]], inline } as never,
    context,
  )
}

const scopeOf = ({ instances, directory }: Surroundings): Scope => ({
  global: () => undefined,
  environment: () => undefined,
  async instance<T>(_role: unknown, node: Node, module?: string): Promise<T> {
    const [first] = node.args
    if (first?.text.startsWith('&')) {
      if (!(first.text.slice(1) in instances)) throw new ConfigError(first.at, `nothing is named ${first.text}`)
      return instances[first.text.slice(1)] as T
    }
    if (first?.text === 'dummy') return dummy.create({ inline: undefined }, {} as Context) as T
    if (module === 'limits')
      return limits.create((await readBlock(limits.config, node, this)) as never, {} as Context) as T
    throw new ConfigError(node.name.at, `there is no module ${first?.text}`)
  },
  later: () => {
    throw new Error('nothing is referred to later here')
  },
  provides: () => false,
  path: (written) => join(directory, written),
  warn: () => {},
})

/** Sends a message, and reads the reply to it. */
export const sendMessage = async (
  client: WireClient,
  content: string,
  reply: string,
  { from = '<a@h.example>', to = ['<b@h.example>'] }: { from?: string; to?: readonly string[] } = {},
): Promise<string> => {
  await client.command(`MAIL FROM:${from}`, '250 *')
  for (const recipient of to) await client.command(`RCPT TO:${recipient}`, '250 *')
  await client.command('DATA', '354 *')
  client.send(`${content}\r\n.\r\n`)
  return await client.expect(reply)
}
