import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { TestCertificate } from '../../support/certificates.ts'

/** One client of a scripted server, from the server's side. */
export class Peer {
  socket: Socket
  readonly #seen: string[]
  #input = Buffer.alloc(0)
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket, seen: string[]) {
    this.socket = socket
    this.#seen = seen
    this.#listen()
  }

  #listen(): void {
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    this.socket.on('data', (chunk) => {
      this.#input = Buffer.concat([this.#input, chunk])
      this.#wake()
    })
    this.socket.on('end', end).on('close', end).on('error', end)
  }

  /** Sends lines, each with its CRLF. */
  say(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(''))
  }

  raw(bytes: string | Uint8Array): void {
    this.socket.write(bytes)
  }

  /** Sends octets one after the other, each in a packet, for as long as the client listens. */
  async drip(text: string): Promise<void> {
    for (const octet of text) {
      if (this.#ended) return
      await new Promise<void>((resolve) => this.socket.write(octet, () => setImmediate(resolve)))
    }
  }

  /** The next line; undefined once the client has gone. */
  async line(): Promise<string | undefined> {
    const end = await this.#until(() => {
      const at = this.#input.indexOf('\r\n')
      return at < 0 ? undefined : at
    })
    if (end === undefined) return undefined
    const line = this.#input.toString('utf8', 0, end)
    this.#input = this.#input.subarray(end + 2)
    this.#seen.push(line)
    return line
  }

  /** What is there already, beyond the lines that were taken. */
  get ahead(): string {
    return this.#input.toString('latin1')
  }

  /** Resolves when so much has come; with less when the client has gone. */
  async arrived(count: number): Promise<number> {
    await this.#until(() => (this.#input.length >= count ? true : undefined))
    return this.#input.length
  }

  /** Octets, as Latin-1; undefined when the client has gone before. */
  async octets(count: number): Promise<string | undefined> {
    const there = await this.#until(() => (this.#input.length >= count ? true : undefined))
    if (!there) return undefined
    const text = this.#input.toString('latin1', 0, count)
    this.#input = this.#input.subarray(count)
    return text
  }

  /** The content of DATA as it was sent, up to the end but without it; undefined when the client has gone before. */
  async data(): Promise<string | undefined> {
    const end = await this.#until(() => {
      if (this.#input.subarray(0, 3).equals(Buffer.from('.\r\n'))) return -2
      const at = this.#input.indexOf('\r\n.\r\n')
      return at < 0 ? undefined : at
    })
    if (end === undefined) return undefined
    const text = this.#input.toString('latin1', 0, end + 2)
    this.#input = this.#input.subarray(end + 5)
    return text
  }

  async startTls({ cert, key }: TestCertificate): Promise<void> {
    this.socket.removeAllListeners('data')
    const secured = new TLSSocket(this.socket, { isServer: true, secureContext: createSecureContext({ cert, key }) })
    this.socket = secured
    this.#input = Buffer.alloc(0)
    this.#listen()
    await Promise.race([once(secured, 'secure'), once(secured, 'close').then(() => {})])
  }

  end(): void {
    this.socket.end()
  }

  /** Goes away with a reset. */
  reset(): void {
    this.socket.resetAndDestroy()
  }

  /** Resolves when the client has gone. */
  async gone(): Promise<void> {
    await this.#until(() => undefined)
  }

  async #until<T>(ready: () => T | undefined): Promise<T | undefined> {
    while (true) {
      const value = ready()
      if (value !== undefined || this.#ended) return value
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  /** All lines that came outside content, of all connections. */
  readonly seen: string[]
  /** Contents as they came, with dots doubled where they were. */
  readonly contents: string[]
  readonly connections: Socket[]
  /** Resolves when all connections there were are closed. */
  closed(): Promise<void>
}

export type Script = (peer: Peer, server: ScriptedServer, nth: number) => Promise<void>

/** Listens on a free port, or at a path. A script that throws, or comes to its end, closes its connection. */
export const scripted = async (script: Script, path?: string): Promise<ScriptedServer> => {
  const seen: string[] = []
  const running: Promise<unknown>[] = []
  const connections: Socket[] = []
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    connections.push(socket)
    const peer = new Peer(socket, seen)
    const done = script(peer, api, connections.length - 1).then(
      () => peer.end(),
      () => socket.destroy(),
    )
    running.push(done)
  })
  server.listen(path ?? { port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const address = server.address()
  const api: ScriptedServer = {
    port: address === null || typeof address === 'string' ? 0 : (address as AddressInfo).port,
    seen,
    contents: [],
    connections,
    async closed() {
      await Promise.all(connections.map((socket) => socket.closed || once(socket, 'close')))
    },
    async [Symbol.asyncDispose]() {
      for (const socket of connections) socket.destroy()
      server.close()
      await Promise.all(running)
    },
  }
  return api
}

/** What is said to a line, by the whole line or its first word; a list is for the first time, the second and so on. */
export interface Behaviour {
  readonly greeting?: string
  /** Lines that EHLO and LHLO are answered with, without their codes. */
  readonly offers?: readonly string[]
  /** As `offers`, once TLS has begun. */
  readonly offersSecured?: readonly string[]
  readonly replies?: Readonly<Record<string, string | readonly string[]>>
  /** What is said after the content, one after the other. */
  readonly verdicts?: readonly string[]
  readonly certificate?: TestCertificate
}

const usual: Readonly<Record<string, string>> = {
  MAIL: '250 2.1.0 ok',
  RCPT: '250 2.1.5 ok',
  DATA: '354 go on',
  RSET: '250 2.0.0 ok',
  QUIT: '221 2.0.0 bye',
  AUTH: '235 2.7.0 welcome',
  HELO: '250 hello',
  STARTTLS: '220 2.0.0 go on',
}

/** A server that does as it is told to, and otherwise accepts everything. */
export const behaving = (behaviour: Behaviour = {}, path?: string): Promise<ScriptedServer> =>
  scripted((peer, server) => behave(peer, server, behaviour), path)

export const behave = async (peer: Peer, server: ScriptedServer, behaviour: Behaviour): Promise<void> => {
  const { greeting = '220 scripted ESMTP', verdicts = ['250 2.0.0 taken'], certificate } = behaviour
  const counts = new Map<string, number>()
  let offers = behaviour.offers ?? ['8BITMIME', 'ENHANCEDSTATUSCODES']
  const replyTo = (line: string): string => {
    const verb = line.split(' ')[0] ?? ''
    const { replies = {} } = behaviour
    const key = line in replies ? line : verb
    const reply = replies[key] ?? usual[verb]
    if (reply === undefined && (verb === 'EHLO' || verb === 'LHLO')) return lines('250', ['scripted', ...offers])
    if (reply === undefined) return '500 5.5.1 what?'
    const nth = counts.get(key) ?? 0
    counts.set(key, nth + 1)
    return typeof reply === 'string' ? reply : (reply[Math.min(nth, reply.length - 1)] ?? '')
  }
  const conclude = (content: string) => {
    server.contents.push(content)
    peer.say(...verdicts)
  }
  let chunks = ''
  if (greeting !== '') peer.say(greeting)
  for (let line = await peer.line(); line !== undefined; line = await peer.line()) {
    const [, size, last] = /^BDAT (\d+)( LAST)?$/.exec(line) ?? []
    if (size !== undefined) {
      const octets = await peer.octets(Number(size))
      if (octets === undefined) return
      chunks += octets
      if (last) conclude(chunks)
      else peer.say(behaviour.replies?.BDAT === undefined ? '250 2.0.0 chunk' : replyTo('BDAT'))
      continue
    }
    const reply = replyTo(line)
    if (reply === 'RESET') return peer.reset()
    if (reply === 'CLOSE') return
    if (reply !== 'SILENCE') peer.say(reply)
    if (line === 'QUIT') return
    if (line === 'STARTTLS' && reply.startsWith('220') && certificate) {
      await peer.startTls(certificate)
      offers = behaviour.offersSecured ?? offers
    }
    if (line === 'DATA' && reply.startsWith('354')) {
      const content = await peer.data()
      if (content === undefined) return
      conclude(content)
    }
  }
}

const lines = (code: string, texts: readonly string[]): string =>
  texts.map((text, at) => `${code}${at < texts.length - 1 ? '-' : ' '}${text}`).join('\r\n')
