import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** In milliseconds. */
export interface Patience {
  /** How long the header of a request may take, and its body. */
  readonly reading: number
  /** How long a client may leave an answer unread, or say nothing in the middle of a request. */
  readonly stuck: number
  /** How long a connection may be idle between two requests. */
  readonly idle: number
}

/** Requests of one connection that may wait for their answers: others send the next when they have read the last. */
const mostWaiting = 16

const usual: Patience = { reading: 30_000, stuck: 30_000, idle: 5_000 }

/**
 * Speaks HTTP on connections that somebody else has accepted. Node watches over the time that requests take only where it
 * listens itself, and so this does.
 */
export class Connections {
  readonly #server: Server
  readonly #patience: Patience
  readonly #open = new Map<Socket, Connection>()

  constructor(handler: RequestListener, patience: Patience = usual) {
    const { idle, stuck } = patience
    this.#patience = patience
    this.#server = createServer({ keepAliveTimeout: idle, keepAliveTimeoutBuffer: 0, maxHeaderSize: 16 * 1024 })
    this.#server.timeout = stuck
    this.#server.on('request', (request, response) => {
      const connection = this.#open.get(request.socket)
      if (connection?.began(request, response) === false) request.socket.destroy()
      else if (!request.socket.destroyed) handler(request, response)
    })
  }

  /** Serves one connection until it is closed; once `stop` aborts, only what has been asked already is answered. */
  async converse(socket: Socket, stop: AbortSignal): Promise<void> {
    if (socket.destroyed) return
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    const connection = new Connection(socket, this.#patience)
    this.#open.set(socket, connection)
    const end = () => connection.stop()
    stop.addEventListener('abort', end)
    this.#server.emit('connection', socket)
    if (stop.aborted) end()
    await closed
    stop.removeEventListener('abort', end)
    connection.closed()
    this.#open.delete(socket)
  }
}

/** One connection with the requests that are under way. */
class Connection {
  readonly #socket: Socket
  readonly #patience: Patience
  readonly #responses = new Set<ServerResponse>()
  #stopping = false
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, patience: Patience) {
    this.#socket = socket
    this.#patience = patience
    this.#expectHeader()
  }

  /** False when too many are under way already: their answers would all have to be kept. */
  began(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#responses.size >= mostWaiting) return false
    clearTimeout(this.#timer)
    this.#responses.add(response)
    if (this.#stopping) response.shouldKeepAlive = false
    const tooSlow = setTimeout(() => this.#socket.destroy(), this.#patience.reading)
    const read = () => clearTimeout(tooSlow)
    request.once('end', read).once('close', read)
    response.once('close', () => this.#answered(response))
    return true
  }

  #answered(response: ServerResponse): void {
    this.#responses.delete(response)
    if (this.#responses.size > 0) return
    if (this.#stopping) this.#socket.destroySoon()
    else this.#expectHeader()
  }

  /** From here on the clock is running for the next request, whether it has begun or not. */
  #expectHeader(): void {
    const { reading, idle } = this.#patience
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#socket.destroy(), reading + idle)
  }

  stop(): void {
    this.#stopping = true
    if (this.#responses.size === 0) this.#socket.destroySoon()
    for (const response of this.#responses) if (!response.headersSent) response.shouldKeepAlive = false
  }

  closed(): void {
    clearTimeout(this.#timer)
  }
}
