import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** How long a test waits for what it expects; milliseconds. */
const patience = 10_000

/** A client that speaks IMAP octet by octet, for what no library would send. A character stands for an octet. */
export class ImapWire implements AsyncDisposable {
  #socket: Socket
  #input = ''
  #ended = false
  #wake: () => void = () => {}
  #tags = 0

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  #listen(): void {
    this.#socket.on('data', (chunk) => {
      this.#input += chunk.toString('latin1')
      this.#wake()
    })
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    this.#socket.on('end', end).on('close', end).on('error', end)
  }

  get ended(): boolean {
    return this.#ended
  }

  /** What has come and not been read. */
  get unread(): string {
    return this.#input
  }

  send(text: string): void {
    this.#socket.write(Buffer.from(text, 'latin1'))
  }

  /** Resolves once the octets have been handed to the system, so that what comes next is another packet. */
  async packet(text: string): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(Buffer.from(text, 'latin1'), () => setImmediate(resolve)))
  }

  /** One response, without its last CRLF, its literals in it. */
  async response(): Promise<string> {
    let text = ''
    for (;;) {
      const line = await this.#line()
      text += line
      const [, size] = /\{(\d+)\}$/.exec(line) ?? []
      if (size === undefined) return text
      text += `\r\n${await this.#octets(Number(size))}`
    }
  }

  async #line(): Promise<string> {
    const at = await this.#until(() => {
      const found = this.#input.indexOf('\r\n')
      return found < 0 ? undefined : found
    })
    const line = this.#input.slice(0, at)
    this.#input = this.#input.slice(at + 2)
    return line
  }

  async #octets(count: number): Promise<string> {
    await this.#until(() => (this.#input.length >= count ? true : undefined))
    const octets = this.#input.slice(0, count)
    this.#input = this.#input.slice(count)
    return octets
  }

  /** Reads one response, which has to match: `…` stands for anything. */
  async expect(pattern: string): Promise<string> {
    const text = await this.response()
    assert.match(text, toRegExp(pattern), `expected ${pattern}, got ${text}`)
    return text
  }

  /** Reads to the tagged response, which comes last. */
  async until(tag: string): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.response()
      lines.push(line)
      if (line.startsWith(`${tag} `)) return lines
    }
  }

  nextTag(): string {
    return `t${++this.#tags}`
  }

  /** Sends a command under a tag of its own and reads everything up to its tagged response, shown without the tag. */
  async command(text: string): Promise<string[]> {
    const tag = this.nextTag()
    this.send(`${tag} ${text}\r\n`)
    const lines = await this.until(tag)
    return lines.map((line) => (line.startsWith(`${tag} `) ? line.slice(tag.length + 1) : line))
  }

  /** As `command`; all responses have to match, in that order. */
  async check(text: string, ...patterns: string[]): Promise<string[]> {
    const lines = await this.command(text)
    const shown = lines.join('\n')
    assert.equal(lines.length, patterns.length, `${text} was answered\n${shown}`)
    for (const [at, pattern] of patterns.entries()) {
      assert.match(lines[at] ?? '', toRegExp(pattern), `${text} was answered\n${shown}`)
    }
    return lines
  }

  /** As `command`; it has to be answered with OK. Without the tagged response. */
  async ok(text: string): Promise<string[]> {
    const lines = await this.command(text)
    assert.match(lines.at(-1) ?? '', /^OK/, `${text} was answered ${lines.join('\n')}`)
    return lines.slice(0, -1)
  }

  /** APPEND of a message, by a literal that does not wait. */
  append(mailbox: string, message: string, more = ''): Promise<string[]> {
    return this.ok(`APPEND ${mailbox} ${more}{${message.length}+}\r\n${message}`)
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    await this.#until(() => (this.#ended ? true : undefined))
    return this.#input
  }

  /** Goes on over TLS. */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    this.#socket.removeAllListeners()
    const socket = connectTls({ rejectUnauthorized: false, ...options, socket: this.#socket })
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject))
    this.#socket = socket
    this.#listen()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    this.#socket.destroy()
    await closed
  }

  async #until<T>(ready: () => T | undefined): Promise<T> {
    const deadline = performance.now() + patience
    for (;;) {
      const value = ready()
      if (value !== undefined) return value
      if (this.#ended) throw new Error(`the server closed; unread: ${JSON.stringify(this.#input)}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`nothing came; unread: ${JSON.stringify(this.#input.slice(0, 500))}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}

const toRegExp = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\*]/g, '\\$&').replaceAll('…', '.*')}$`, 's')

/** Connects to a port of this machine. */
export const dialImap = async (port: number): Promise<ImapWire> => {
  const socket = connectTcp({ host: '127.0.0.1', port })
  await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject))
  return new ImapWire(socket)
}

/** Connects with TLS from the first octet on. */
export const dialImapTls = async (port: number): Promise<ImapWire> => {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject))
  return new ImapWire(socket)
}
