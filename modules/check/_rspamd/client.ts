import { once } from 'node:events'
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Body, ClientTls } from '../../../core/index.ts'
import { orAbort } from '../../../core/kit/abort.ts'

/** Bytes of an answer: far more than all symbols of rspamd together. */
const longestAnswer = 4 * 1024 * 1024
/** Milliseconds for which a connection that is not in use is kept. */
const idle = 30_000

/** What came back, whatever its status. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** The content to be sent could not be read: no failure of the other side. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

/** Posts to one URL, with connections that are used again; disposed of, it closes them. Connects when first asked to. */
export class HttpClient implements Disposable {
  readonly #url: URL
  readonly #tls: ClientTls
  readonly #agent: http.Agent

  constructor(url: URL, tls: ClientTls) {
    this.#url = url
    this.#tls = tls
    const { Agent } = url.protocol === 'https:' ? https : http
    this.#agent = new Agent({ keepAlive: true, timeout: idle })
  }

  /**
   * Posts content, in chunks as it is read. Throws UnreadableError, what the connection fails for, and the signal's reason
   * once that aborts.
   */
  async post(headers: OutgoingHttpHeaders, content: Body, signal: AbortSignal): Promise<Answer> {
    while (true) {
      const request = this.#request(headers)
      try {
        return await orAbort(exchange(request, content), signal)
      } catch (error) {
        request.destroy()
        // The other side has closed a connection that was idle, just when it was to be used again.
        const stale = request.reusedSocket && closed.has((error as NodeJS.ErrnoException).code)
        if (!stale || signal.aborted) throw error
      }
    }
  }

  #request(headers: OutgoingHttpHeaders): ClientRequest {
    const options = { method: 'POST', agent: this.#agent, headers: { ...headers, 'Transfer-Encoding': 'chunked' } }
    if (this.#url.protocol !== 'https:') return http.request(this.#url, options)
    return https.request(this.#url, { ...this.#tls.options(this.#url.hostname.replace(/^\[|\]$/g, '')), ...options })
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }
}

const closed: ReadonlySet<string | undefined> = new Set(['ECONNRESET', 'EPIPE'])

const exchange = async (request: ClientRequest, content: Body): Promise<Answer> => {
  let unreadable: UnreadableError | undefined
  const octets = async function* () {
    try {
      yield* content.read()
    } catch (cause) {
      unreadable = new UnreadableError('the message cannot be read', { cause })
      throw unreadable
    }
  }
  request.on('error', () => {}) // also after the answer, when nobody asks any more
  const answered = answerTo(request)
  // Where sending fails, so does the answer, unless it has come already.
  pipeline(Readable.from(octets()), request).catch(() => {})
  try {
    return await answered
  } catch (error) {
    throw unreadable ?? error
  }
}

const answerTo = async (request: ClientRequest): Promise<Answer> => {
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestAnswer) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  if (!request.writableFinished) request.destroy() // answered without having heard all
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}
