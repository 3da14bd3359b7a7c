import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { lenientHeader } from '../../../core/kit/message/index.ts'

/** opendkim at work as a verifying milter, which finds public keys in a file. */
export interface OpenDkim extends AsyncDisposable {
  /** What it writes into Authentication-Results of a message. */
  verify(message: Buffer): Promise<string>
}

/** Starts it. `records` are the texts of TXT records by their names. */
export const startOpenDkim = async (records: Readonly<Record<string, string>>): Promise<OpenDkim> => {
  await using held = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'opendkim-'))
  held.defer(() => rm(directory, { recursive: true, force: true }))
  const [keys, conf, path] = ['keys', 'conf', 'socket'].map((name) => join(directory, name)) as [string, string, string]
  await writeFile(
    keys,
    Object.entries(records)
      .map((entry) => `${entry.join(' ')}\n`)
      .join(''),
  )
  await writeFile(
    conf,
    `Mode v\nTestPublicKeys ${keys}\nSocket local:${path}\nTemporaryDirectory ${directory}\nAuthservID test\nSyslog no\n`,
  )
  const child = spawn('opendkim', ['-f', '-x', conf], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  held.defer(async () => {
    child.kill('SIGKILL') // it keeps nothing, and takes seconds to end by itself
    await ended
  })
  const all = held.move()
  return {
    async verify(message) {
      const socket = await dial(path)
      try {
        return await converse(new Milter(socket), message)
      } finally {
        socket.destroy()
      }
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** Connects as soon as somebody listens. */
const dial = async (path: string): Promise<Socket> => {
  const deadline = performance.now() + 10_000
  while (true) {
    const socket = connect(path)
    socket.setTimeout(10_000, () => socket.destroy(new Error('opendkim is silent')))
    try {
      await once(socket, 'connect')
      return socket
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(20)
    }
  }
}

/** Fields are to be passed with the space after their colon. */
const leadingSpace = 0x100000
const everything = 0x1ff
const lineEnd = Buffer.from('\r\n')

const converse = async (milter: Milter, message: Buffer): Promise<string> => {
  const agreed = await milter.ask('O', numbers(6, everything, leadingSpace | 0xfff))
  if ((agreed.readUInt32BE(9) & leadingSpace) === 0) throw new Error('opendkim does not want fields as they are')
  await milter.ask('C', Buffer.from('client.example\x004\x00\x01192.0.2.1\x00', 'latin1'))
  await milter.ask('H', Buffer.from('client.example\0'))
  await milter.ask('M', Buffer.from('<a@a.example>\0'))
  await milter.ask('R', Buffer.from('<b@b.example>\0'))
  const end = message.indexOf('\r\n\r\n')
  for (const { name, raw } of lenientHeader(message).fields) {
    const text = Buffer.from(raw).toString('latin1')
    const value = text.slice(text.indexOf(':') + 1, -2).replaceAll('\r\n', '\n')
    await milter.ask('L', Buffer.from(`${name}\0${value}\0`, 'latin1'))
  }
  await milter.ask('N')
  const content = message.subarray(end + 4)
  // SMTP ends each line, and opendkim forgets the white space at the end of one that is not.
  const body =
    content.length === 0 || content.subarray(-2).equals(lineEnd) ? content : Buffer.concat([content, lineEnd])
  for (let at = 0; at < body.length; at += 65535) {
    if ((await milter.ask('B', body.subarray(at, at + 65535))).toString() === 's') break // it has seen enough
  }
  const answer = await milter.ask('E', undefined, (code) => code === 'i' || code === 'h')
  return answer.toString('latin1')
}

const numbers = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}

/** The mail server's side of the milter protocol. */
class Milter {
  readonly #socket: Socket
  readonly #input: AsyncIterator<Buffer>
  #bytes = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.#socket = socket
    this.#input = socket[Symbol.asyncIterator]()
  }

  /** Sends a packet, and resolves to the answer with its code; or to one of those that come before it. */
  async ask(code: string, data: Uint8Array = new Uint8Array(), wanted?: (code: string) => boolean): Promise<Buffer> {
    this.#socket.write(Buffer.concat([numbers(data.length + 1), Buffer.from(code), data]))
    let found: Buffer | undefined
    while (true) {
      const packet = await this.#packet()
      const answer = String.fromCharCode(packet[0] ?? 0)
      if (wanted?.(answer)) found = packet
      if ('Ocas'.includes(answer)) return found ?? packet
      if ('rtd'.includes(answer)) throw new Error(`opendkim refuses ${code}: ${packet.toString('latin1')}`)
    }
  }

  async #packet(): Promise<Buffer> {
    return await this.#take((await this.#take(4)).readUInt32BE())
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) {
      const { value, done } = await this.#input.next()
      if (done) throw new Error('opendkim has closed the connection')
      this.#bytes = Buffer.concat([this.#bytes, value])
    }
    const taken = this.#bytes.subarray(0, count)
    this.#bytes = this.#bytes.subarray(count)
    return taken
  }
}
