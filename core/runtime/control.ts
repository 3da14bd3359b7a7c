import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { errorText } from './log_line.ts'
import { removeStale } from './port.ts'

/** What may be asked of a running server: one line of JSON each way, the last of them with `result`. */
export interface ControlRequest {
  readonly command: 'reload' | 'status'
}

export type ControlReply = { readonly progress: string } | { readonly result: ControlResult }

export type ControlResult =
  | { readonly ok: true; readonly status?: Readonly<Record<string, unknown>> }
  /** `error` is for people, with a line for each thing that is wrong. */
  | { readonly ok: false; readonly error: string }

export type Answer = (request: ControlRequest, progress: (step: string) => void) => Promise<ControlResult>

/** No request is longer; bytes. */
const longest = 4_096

/** How long a client may take to ask; milliseconds. */
const patience = 10_000

/** How long an answer may take once the socket is given up; milliseconds. */
const farewell = 1_000

/** The socket in the runtime directory by which the owner of the server tells it what to do. */
export class ControlSocket implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #clients = new Set<Socket>()

  private constructor(path: string, server: Server, answer: Answer) {
    this.path = path
    this.#server = server
    server.on('error', () => {}) // of a single connection that could not be accepted
    server.on('connection', (socket) => {
      this.#clients.add(socket)
      socket.once('close', () => this.#clients.delete(socket))
      converse(socket, answer).catch(() => socket.destroy())
    })
  }

  /** Listens at `path`, for the owner alone. Throws when somebody else does already, or the file cannot be made. */
  static async open(path: string, answer: Answer): Promise<ControlSocket> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await removeStale(path)
    const server = createServer()
    const mask = process.umask(0o177)
    server.listen(path) // binds before it returns, so that the file is never anybody else's, not for a moment
    process.umask(mask)
    await once(server, 'listening')
    return new ControlSocket(path, server, answer)
  }

  /** Lets those who are being answered have their answer, for a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    const timer = setTimeout(() => {
      for (const socket of this.#clients) socket.destroy()
    }, farewell)
    await closed
    clearTimeout(timer)
  }
}

const converse = async (socket: Socket, answer: Answer): Promise<void> => {
  socket.on('error', () => {})
  const send = (reply: ControlReply) => {
    if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`)
  }
  send({ result: await settle(readLine(socket), answer, (progress) => send({ progress })) })
  socket.destroySoon()
}

type Progress = (step: string) => void

const settle = async (written: Promise<string>, answer: Answer, progress: Progress): Promise<ControlResult> => {
  try {
    const request: unknown = JSON.parse(await written)
    if (!isRequest(request)) throw new Error('expected {"command":"reload"} or {"command":"status"}')
    return await answer(request, progress)
  } catch (error) {
    return { ok: false, error: errorText(error) }
  }
}

const isRequest = (value: unknown): value is ControlRequest =>
  typeof value === 'object' &&
  value !== null &&
  'command' in value &&
  (value.command === 'reload' || value.command === 'status')

/** The first line a client sends. */
const readLine = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => reject(new Error('nothing was asked')), patience)
    socket.setEncoding('utf8')
    socket.on('data', function take(chunk) {
      text += chunk
      const end = text.indexOf('\n')
      if (end < 0 && text.length <= longest) return
      clearTimeout(timer)
      socket.off('data', take)
      if (end < 0 || end > longest) reject(new Error('the request is too long'))
      else resolve(text.slice(0, end))
    })
    socket.once('close', () => {
      clearTimeout(timer)
      reject(new Error('the client is gone'))
    })
  })

/** Nobody answers at the control socket. */
export class NotRunning extends Error {
  override readonly name = 'NotRunning'
}

/** Asks the server whose control socket is at `path`. Throws NotRunning when there is none. */
export const control = async (
  path: string,
  request: ControlRequest,
  progress: (step: string) => void = () => {},
): Promise<ControlResult> => {
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (cause) {
    throw new NotRunning(`no server answers at ${path}: ${errorText(cause)}`, { cause })
  }
  try {
    socket.write(`${JSON.stringify(request)}\n`)
    for await (const line of createInterface({ input: socket })) {
      const reply = JSON.parse(line) as ControlReply
      if ('result' in reply) return reply.result
      progress(reply.progress)
    }
    throw new Error('the server ended before it had answered')
  } finally {
    socket.destroy()
  }
}
