import { once } from 'node:events'
import { chmod, unlink } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../../../core/index.ts'
import { LineReader } from './line_reader.ts'

/** Longer lines end the connection. */
const longestLine = 256 * 1024
/** Processes that may be connected at once. */
const mostPeers = 100
/** What a peer that does not read may leave unread, in bytes, before it is dropped. */
const mostUnread = 4 * 1024 * 1024

export interface PipeOptions {
  readonly path: string
  /** Called with each line from another process; what it throws is logged. */
  readonly onLine: (line: string) => void
  /** Called when lines may have been missed. */
  readonly onGap: () => void
  readonly log: Logger
}

/**
 * Lines between the processes that use one database, over a Unix socket. The first to come listens, and passes on to the
 * others what each of them says; when it goes, another takes its place.
 */
export class UpdatePipe implements AsyncDisposable {
  readonly #options: PipeOptions
  readonly #peers = new Set<Socket>()
  readonly #stop = new AbortController()
  #server: Server | undefined
  #joining: Promise<void> | undefined

  private constructor(options: PipeOptions) {
    this.#options = options
  }

  /** Never fails: without it, others are only noticed when something is done here. */
  static async open(options: PipeOptions): Promise<UpdatePipe> {
    const pipe = new UpdatePipe(options)
    await pipe.#join()
    return pipe
  }

  /** Sends complete lines to all other processes. */
  send(makeLines: () => string): void {
    if (this.#peers.size > 0) this.#pass(makeLines(), undefined)
  }

  #pass(lines: string, from: Socket | undefined): void {
    for (const peer of this.#peers) {
      if (peer === from) continue
      if (peer.writableLength > mostUnread) peer.destroy()
      else peer.write(lines)
    }
  }

  async #join(): Promise<void> {
    try {
      for (let attempt = 0; !this.#stop.signal.aborted; attempt++) {
        if ((await this.#connect(attempt)) || (await this.#listen())) return
        await delay(10 + Math.random() * 40)
      }
    } catch (error) {
      this.#options.log.error('updates from other processes are not received', error, { path: this.#options.path })
    }
  }

  async #connect(attempt: number): Promise<boolean> {
    const { path } = this.#options
    const socket = connect(path)
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(5000) })
    } catch (error) {
      socket.destroy()
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      // Nobody listens any more, and nobody has begun to in the meantime.
      if (code === 'ECONNREFUSED' && attempt > 0) await unlink(path).catch(() => undefined)
      else if (code === 'ECONNREFUSED') return this.#pause()
      else if (code !== 'ENOENT' && code !== 'ECONNRESET') throw error
      return false
    }
    this.#add(socket, () => this.#rejoin())
    return true
  }

  async #pause(): Promise<boolean> {
    await delay(Math.random() * 20)
    return this.#connect(1)
  }

  async #listen(): Promise<boolean> {
    const server = createServer((socket) => {
      if (this.#peers.size >= mostPeers) socket.destroy()
      else this.#add(socket, () => undefined)
    })
    try {
      server.listen(this.#options.path)
      await once(server, 'listening')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
      throw error
    }
    server.on('error', (error) => this.#options.log.error('socket for updates failed', error))
    await chmod(this.#options.path, 0o600).catch(() => undefined)
    server.unref()
    this.#server = server
    return true
  }

  #add(socket: Socket, onClose: () => void): void {
    const { log, onLine } = this.#options
    this.#peers.add(socket.unref())
    const lines = new LineReader(longestLine, (line) => {
      if (this.#server) this.#pass(`${line}\n`, socket)
      try {
        onLine(line)
      } catch (error) {
        log.error('malformed update', error)
      }
    })
    socket.on('data', (chunk) => {
      if (lines.push(chunk)) return
      log.error('malformed update', new Error(`a line is longer than ${longestLine} bytes`))
      socket.destroy()
    })
    socket.on('error', () => socket.destroy()) // and then comes 'close'
    socket.on('close', () => {
      this.#peers.delete(socket)
      onClose()
    })
  }

  #rejoin(): void {
    if (this.#stop.signal.aborted) return
    this.#joining = this.#join().then(() => this.#options.onGap())
  }

  /** Waits a little for what was sent to leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#joining
    const server = this.#server
    const closed = server && once(server, 'close')
    server?.close() // which removes the socket
    await Promise.all([...this.#peers].map(finish))
    await closed
  }
}

const finish = async (socket: Socket): Promise<void> => {
  socket.ref()
  const closed = once(socket, 'close')
  socket.end()
  const deadline = AbortSignal.timeout(1000)
  deadline.addEventListener('abort', () => socket.destroy())
  await closed
}
