import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import http from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestCertificate } from '../../support/certificates.ts'

/** What came with one request. */
export interface Asked {
  readonly method: string
  readonly url: string
  /** Names and values as written, in turn. */
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly remotePort: number
}

export interface RspamdServer extends AsyncDisposable {
  readonly port: number
  readonly asked: Asked[]
}

interface ServerOptions {
  readonly status?: number
  readonly tls?: TestCertificate
  /** Answers instead; the request has been read when `read` is called. */
  readonly respond?: (request: IncomingMessage, response: ServerResponse) => void
}

/** Bytes of all headers, as rspamd has it. */
const maxHeaderSize = 80 * 1024

/** A server that answers every request with that text, or JSON, once it has read it. */
export const rspamdServer = async (answer: unknown, options: ServerOptions = {}): Promise<RspamdServer> => {
  const { status = 200, tls, respond } = options
  const asked: Asked[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (respond) return respond(request, response)
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString()
    const { method = '', url = '', rawHeaders, socket } = request
    asked.push({ method, url, rawHeaders, body, remotePort: socket.remotePort ?? 0 })
    response.statusCode = status
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer))
  }
  // A client that goes away half-way is no failure of the test.
  const onRequest = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response).catch(() => {})
  const server = tls
    ? https.createServer({ ...tls, maxHeaderSize }, onRequest)
    : http.createServer({ maxHeaderSize }, onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** The values of a header, whose name has to be written just so. */
export const valuesOf = ({ rawHeaders }: Asked, name: string): string[] =>
  rawHeaders.flatMap((each, at) => (at % 2 === 0 && each === name ? [rawHeaders[at + 1] ?? ''] : []))
