import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, link, stat, unlink } from 'node:fs/promises'
import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import { dirname, join } from 'node:path'
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
  /** A line that tells the others that they may have missed some of ours. */
  readonly gapLine: string
  readonly log: Logger
}

/** How soon, and how long at most, after it could not be joined it is tried again; milliseconds. */
const soonest = 1000
const latest = 60_000

/** How often those who come at once may be in each other's way before that counts as trouble. */
const mostAttempts = 20

/** When to look whether the socket is still the one that is listened on, and how often later; milliseconds. */
const looks = [50, 200, 1000]
const laterLooks = 10_000

/**
 * Lines between the processes that use one database, over a Unix socket. The first to come listens, and passes on to the
 * others what each of them says; when it goes, another takes its place.
 */
export class UpdatePipe implements AsyncDisposable {
  readonly #options: PipeOptions
  readonly #peers = new Set<Socket>()
  readonly #stop = new AbortController()
  #listening: Listening | undefined
  #joining: Promise<void> | undefined

  private constructor(options: PipeOptions) {
    this.#options = options
  }

  /** Never fails: without it, others are only noticed when something is done here. */
  static async open(options: PipeOptions): Promise<UpdatePipe> {
    const pipe = new UpdatePipe(options)
    const joined = await pipe.#tryJoin()
    if (!joined) pipe.#rejoin(soonest)
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

  /** Joins again, however long that takes. What was said meanwhile was heard by nobody, on either side. */
  #rejoin(pause: number): void {
    if (this.#stop.signal.aborted) return
    const again = async (): Promise<void> => {
      for (let wait = pause; ; wait = Math.min(2 * Math.max(wait, soonest), latest)) {
        await this.#wait(wait)
        if (this.#stop.signal.aborted) return
        if (await this.#tryJoin()) break
      }
      this.#options.onGap()
      this.#pass(this.#options.gapLine, undefined)
    }
    this.#joining = again()
  }

  async #tryJoin(): Promise<boolean> {
    try {
      for (let attempt = 0; attempt < mostAttempts && !this.#stop.signal.aborted; attempt++) {
        if ((await this.#connect(attempt)) || (await this.#listen())) return true
        await delay(10 + Math.random() * 40)
      }
      throw new Error('the socket can neither be connected to nor replaced')
    } catch (error) {
      this.#options.log.error('updates from other processes are not received', error, { path: this.#options.path })
      return false
    }
  }

  async #wait(milliseconds: number): Promise<void> {
    const { signal } = this.#stop
    await delay(milliseconds, undefined, { signal, ref: false }).catch(() => undefined)
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
    this.#add(socket, () => this.#rejoin(Math.random() * 20))
    return true
  }

  async #pause(): Promise<boolean> {
    await delay(Math.random() * 20)
    return this.#connect(1)
  }

  async #listen(): Promise<boolean> {
    const { path, log } = this.#options
    const server = createServer((socket) => {
      if (this.#peers.size >= mostPeers) socket.destroy()
      else this.#add(socket, () => undefined)
    })
    // Only who finds no socket there may put one there; and what closing it removes is not that of another.
    const own = join(dirname(path), `.${randomBytes(4).toString('hex')}`)
    server.listen(own)
    await once(server, 'listening')
    try {
      await chmod(own, 0o600)
      const { ino } = await stat(own)
      await link(own, path)
      this.#listening = { server, ino }
    } catch (error) {
      server.close()
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
      throw error
    } finally {
      await unlink(own).catch(() => undefined)
    }
    server.on('error', (error) => log.error('socket for updates failed', error))
    server.unref()
    void this.#guard(this.#listening)
    return true
  }

  /** Two that find a dead socket at once may each remove it, one of them the socket of the other, who then makes way. */
  async #guard(listening: Listening): Promise<void> {
    for (let look = 0; ; look++) {
      await this.#wait(looks[look] ?? laterLooks)
      if (this.#stop.signal.aborted) return
      if (!(await this.#isThere(listening))) break
    }
    this.#listening = undefined
    listening.server.close()
    for (const peer of this.#peers) peer.destroy()
    this.#rejoin(0)
  }

  async #isThere({ ino }: Listening): Promise<boolean> {
    const found = await stat(this.#options.path).catch(() => undefined)
    return found?.ino === ino
  }

  #add(socket: Socket, onClose: () => void): void {
    const { log, onLine } = this.#options
    this.#peers.add(socket.unref())
    const lines = new LineReader(longestLine, (line) => {
      if (this.#listening) this.#pass(`${line}\n`, socket)
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

  /** Waits a little for what was sent to leave. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#joining
    const listening = this.#listening
    const closed = listening && once(listening.server, 'close')
    listening?.server.close()
    if (listening && (await this.#isThere(listening))) await unlink(this.#options.path).catch(() => undefined)
    await Promise.all([...this.#peers].map(finish))
    await closed
  }
}

interface Listening {
  readonly server: Server
  /** Tells its socket from any other under the same name. */
  readonly ino: number
}

const finish = async (socket: Socket): Promise<void> => {
  socket.ref()
  const closed = once(socket, 'close')
  socket.end()
  const deadline = AbortSignal.timeout(1000)
  deadline.addEventListener('abort', () => socket.destroy())
  await closed
}
