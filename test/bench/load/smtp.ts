import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { answer, inChild, quantile } from './child.ts'

export interface SmtpLoad {
  /** Connections are spread over several. */
  readonly port: number | readonly number[]
  readonly connections: number
  /** Of all connections together. */
  readonly messages: number
  /** Of each message, header included; bytes. */
  readonly size: number
  /** Each connection goes on to the next when it has sent to one; `rcpt@example.test` by default. */
  readonly recipients?: readonly string[]
  /** A field on top of each message, such as a signature that leaves Message-ID out. */
  readonly top?: string
  /** So many messages a second at most, of all connections together. */
  readonly rate?: number
}

export interface SmtpLoadResult {
  readonly acknowledged: number
  /** The first few replies that were not what a message that is accepted gets. */
  readonly refused: readonly string[]
  readonly seconds: number
  /** Acknowledged messages a second. */
  readonly rate: number
  /** From the end of the data to its reply; milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Sends messages as fast as they are taken, from a process of its own. */
export const smtpLoad = (load: SmtpLoad): Promise<SmtpLoadResult> => inChild(fileURLToPath(import.meta.url), load)

/** The field that tells messages apart; always as long. */
const identity = (message: number): string => `Message-ID: <${String(message).padStart(10, '0')}@load.example>\r\n`

/** What every message of that size is, below its identity. */
export const contentOf = (size: number): { readonly header: string; readonly body: string } => {
  const header = 'From: <sender@example.org>\r\nTo: <rcpt@example.test>\r\nSubject: load\r\n'
  const line = `${'A line of text that means nothing. '.repeat(2)}\r\n`
  const length = Math.max(2, size - identity(0).length - header.length - 2)
  const body = line
    .repeat(Math.ceil(length / line.length))
    .slice(0, length - 2)
    .replace(/\r$/, '')
  return { header, body: `${body}\r\n` }
}

/** What all connections together do. */
class Flood {
  readonly load: SmtpLoad
  readonly latencies: number[] = []
  readonly refused: string[] = []
  /** Of every message, what follows its identity, the dot at the end included. */
  readonly rest: Buffer
  #begun = 0
  readonly #started = performance.now()

  constructor(load: SmtpLoad) {
    this.load = load
    const { header, body } = contentOf(load.size)
    this.rest = Buffer.from(`${load.top ?? ''}${header}\r\n${body}.\r\n`)
  }

  /** The number of the next message; undefined when there are no more. */
  next(): number | undefined {
    return this.#begun < this.load.messages ? this.#begun++ : undefined
  }

  /** How long to wait before a message is due; milliseconds. */
  wait(number: number): number {
    const { rate } = this.load
    return rate === undefined ? 0 : (number / rate) * 1000 - (performance.now() - this.#started)
  }
}

/** What each state waits for; `content` is the time after the end of the data. */
const expected = { greeting: '220', ehlo: '250', mail: '250', rcpt: '250', data: '354', content: '250' } as const

/** One client: MAIL, RCPT and DATA in one write, then the content, then the next message. */
class Client {
  readonly done: Promise<void>
  readonly #flood: Flood
  readonly #socket: Socket
  readonly #resolve: () => void
  #text = ''
  #state: keyof typeof expected | 'done' = 'greeting'
  #message = 0
  #sent = 0

  constructor(flood: Flood, port: number) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.done = promise
    this.#resolve = resolve
    this.#flood = flood
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text) => this.#read(String(text)))
    this.#socket.on('error', (error) => this.#refuse(error.message))
    this.#socket.on('close', () => this.#end())
  }

  #read(text: string): void {
    this.#text += text
    for (let end = this.#text.indexOf('\n'); end >= 0; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end)
      this.#text = this.#text.slice(end + 1)
      if (line[3] !== '-') this.#reply(line)
    }
  }

  #reply(line: string): void {
    if (this.#state === 'done') return
    if (!line.startsWith(expected[this.#state])) this.#refuse(line)
    else if (this.#state === 'greeting') this.#greet()
    else if (this.#state === 'ehlo') this.#next()
    else if (this.#state === 'mail') this.#state = 'rcpt'
    else if (this.#state === 'rcpt') this.#state = 'data'
    else if (this.#state === 'data') this.#content()
    else {
      this.#flood.latencies.push(performance.now() - this.#sent)
      this.#next()
    }
  }

  #greet(): void {
    this.#state = 'ehlo'
    this.#socket.write('EHLO load.example\r\n')
  }

  #next(): void {
    const message = this.#flood.next()
    if (message === undefined) {
      this.#state = 'done'
      this.#socket.end('QUIT\r\n')
      return
    }
    this.#message = message
    const wait = this.#flood.wait(message)
    if (wait > 0) setTimeout(() => this.#begin(), wait)
    else this.#begin()
  }

  #begin(): void {
    const { recipients = ['rcpt@example.test'] } = this.#flood.load
    const to = recipients[this.#message % recipients.length]
    this.#state = 'mail'
    this.#socket.write(`MAIL FROM:<sender@example.org>\r\nRCPT TO:<${to}>\r\nDATA\r\n`)
  }

  #content(): void {
    this.#state = 'content'
    this.#sent = performance.now()
    this.#socket.cork()
    this.#socket.write(identity(this.#message), 'latin1')
    this.#socket.write(this.#flood.rest)
    this.#socket.uncork()
  }

  #refuse(line: string): void {
    if (this.#state === 'done') return
    if (this.#flood.refused.length < 5) this.#flood.refused.push(`${this.#state}: ${line}`)
    this.#socket.destroy()
  }

  #end(): void {
    if (this.#state !== 'done' && this.#flood.refused.length < 5) this.#flood.refused.push(`${this.#state}: closed`)
    this.#state = 'done'
    this.#resolve()
  }
}

const flood = async (load: SmtpLoad): Promise<SmtpLoadResult> => {
  const all = new Flood(load)
  const start = performance.now()
  const ports = [load.port].flat()
  await Promise.all(
    Array.from({ length: load.connections }, (_, n) => new Client(all, ports[n % ports.length] ?? 0).done),
  )
  const seconds = (performance.now() - start) / 1000
  const acknowledged = all.latencies.length
  return {
    acknowledged,
    refused: all.refused,
    seconds,
    rate: acknowledged / seconds,
    p50: quantile(all.latencies, 0.5),
    p99: quantile(all.latencies, 0.99),
  }
}

if (import.meta.main) await answer(flood)
