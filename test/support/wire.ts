import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

/** How long a test waits for what it expects; milliseconds. */
const patience = 8_000

/** A client that speaks a line protocol byte by byte, for what a library would never send. Closed when disposed of. */
export class WireClient implements AsyncDisposable {
  /** The last line that was read. */
  last = ''
  #socket: Socket
  #input = ''
  #ended = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  #listen(): void {
    this.#socket.on('data', (chunk) => {
      this.#input += chunk.toString('utf8')
      this.#wake()
    })
    const end = () => {
      this.#ended = true
      this.#wake()
    }
    this.#socket.on('end', end).on('close', end).on('error', end)
  }

  /** Sends bytes as they are; text as UTF-8. */
  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Sends bytes, and resolves once they have been handed to the system, so that what comes next is another packet. */
  async packet(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => setImmediate(resolve)))
  }

  /** The next line, without its CRLF. Rejects when the server closed, or is silent for too long. */
  async line(): Promise<string> {
    const end = await this.#until(() => {
      const at = this.#input.indexOf('\r\n')
      return at < 0 ? undefined : at
    })
    this.last = this.#input.slice(0, end)
    this.#input = this.#input.slice(end + 2)
    return this.last
  }

  /** The lines of one reply, `250-` to `250 `. */
  async reply(): Promise<string[]> {
    const lines = [await this.line()]
    while (/^\d{3}-/.test(this.last)) lines.push(await this.line())
    return lines
  }

  /** Reads a reply, whose last line has to match: `*` stands for anything. */
  async expect(pattern: string): Promise<string> {
    const lines = await this.reply()
    assert.match(lines.at(-1) ?? '', toRegExp(pattern), `expected ${pattern}, got ${lines.join(' / ')}`)
    return lines.join('\n')
  }

  /** Sends a line and reads its reply. */
  async command(line: string, pattern: string): Promise<string> {
    this.send(`${line}\r\n`)
    return await this.expect(pattern)
  }

  /** Resolves when the server has closed, and has said nothing more. */
  async closed(): Promise<void> {
    await this.#until(() => (this.#ended ? true : undefined))
    assert.equal(this.#input, '', 'the server said more than was expected')
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

  /** Says that nothing more will be sent. */
  end(): void {
    this.#socket.end()
  }

  /** Stops reading, as a client does that is stuck. */
  pause(): void {
    this.#socket.pause()
  }

  /** Goes away without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return
    const closed = new Promise<void>((resolve) => this.#socket.once('close', () => resolve()))
    this.#socket.destroy()
    await closed
  }

  async #until<T>(ready: () => T | undefined): Promise<T> {
    const deadline = performance.now() + patience
    while (true) {
      const value = ready()
      if (value !== undefined) return value
      if (this.#ended) throw new Error(`the server closed; unread: ${JSON.stringify(this.#input)}, last: ${this.last}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`nothing came; unread: ${JSON.stringify(this.#input)}, last: ${this.last}`)
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
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'su')

/** Connects to a port of this machine, or to the path of a Unix socket. */
export const dial = async (to: number | string, options: { localAddress?: string } = {}): Promise<WireClient> => {
  const socket =
    typeof to === 'number' ? connectTcp({ host: '127.0.0.1', port: to, noDelay: true, ...options }) : connectTcp(to)
  await new Promise<void>((resolve, reject) => socket.once('connect', () => resolve()).once('error', reject))
  return new WireClient(socket)
}

/** Connects with TLS from the first byte on. */
export const dialTls = async (port: number, options: ConnectionOptions = {}): Promise<WireClient> => {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject))
  return new WireClient(socket)
}
