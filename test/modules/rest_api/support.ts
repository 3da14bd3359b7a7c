import assert from 'node:assert/strict'
import { type IncomingHttpHeaders, request } from 'node:http'
import { after, before } from 'node:test'
import type { Resolver } from '../../../core/index.ts'
import { serve, type TestServer } from '../../support/server.ts'

export const admin = { email: 'admin@example.test', password: 'correct horse' }

const basic = ({ email, password }: { email: string; password: string }): string =>
  `Basic ${Buffer.from(`${email}:${password}`).toString('base64')}`

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body, read as JSON. */
  readonly json: unknown
}

export interface Ask {
  /** Sent as JSON; a string as it is. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Null sends no credentials. */
  readonly login?: { email: string; password: string } | null
}

/** Talks to an API, by default as its administrator. Paths are sent as they are written, and connections are not kept. */
export class ApiClient {
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  ask(method: string, path: string, { body, headers = {}, login = admin }: Ask = {}): Promise<Reply> {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request({
        host: '127.0.0.1',
        port: this.#port,
        method,
        path,
        agent: false,
        headers: {
          ...(login && { Authorization: basic(login) }),
          ...(text !== undefined && {
            'Content-Type': 'application/json',
            'Content-Length': String(Buffer.byteLength(text)),
          }),
          ...headers,
        },
      })
      sent.on('error', reject)
      sent.on('response', (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: answer,
            get json() {
              return JSON.parse(answer)
            },
          })
        })
      })
      sent.end(text)
    })
  }

  get(path: string, options?: Ask): Promise<Reply> {
    return this.ask('GET', path, options)
  }

  post(path: string, body?: unknown, options?: Ask): Promise<Reply> {
    return this.ask('POST', path, { ...options, body })
  }

  put(path: string, body?: unknown, options?: Ask): Promise<Reply> {
    return this.ask('PUT', path, { ...options, body })
  }

  delete(path: string, options?: Ask): Promise<Reply> {
    return this.ask('DELETE', path, options)
  }
}

export interface Shape {
  /** Further directives of `rest_api`. */
  readonly api?: string
  /** Requests per second of one address; so many that nobody is held up. */
  readonly rate?: number
  /** Instead of the whole block of the API; empty for none. */
  readonly block?: string
  readonly storage?: string
  /** Further blocks. */
  readonly more?: string
  readonly env?: Readonly<Record<string, string>>
  readonly dns?: Resolver
}

/** A configuration with users, mailboxes, SMTP, IMAP and the API. */
export const conf = ({ api = '', rate = 100_000, block, storage = '', more = '' }: Shape = {}): string => `
hostname mx.example.test
tls off
auth.pass_table local_authdb {
  table sql_table {
    driver sqlite3
    dsn credentials.db
    table_name passwords
  }
}
storage.imapsql local_mailboxes {
  driver sqlite3
  dsn imapsql.db
  msg_store sql
  ${storage}
}
smtp tcp://127.0.0.1:0 {
  deliver_to &local_mailboxes
}
imap tcp://127.0.0.1:0 {
  auth &local_authdb
  storage &local_mailboxes
}
${
  block ??
  `rest_api tcp://127.0.0.1:0 {
  admin_email ${admin.email}
  admin_password "${admin.password}"
  requests_per_second ${rate}
  ${api}
}`
}
${more}`

export interface ApiServer extends AsyncDisposable {
  readonly server: TestServer
  readonly api: ApiClient
}

export const serveApi = async (shape: Shape = {}): Promise<ApiServer> => {
  const { env, dns } = shape
  const server = await serve(conf(shape), { ...(env && { env }), ...(dns && { dns }) })
  return {
    server,
    api: new ApiClient(server.port('rest_api')),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** Fails unless the reply has that status and, but for the empty ones, a body that follows the error model. */
export const refused = (reply: Reply, status: number, { empty = false } = {}): void => {
  assert.equal(reply.status, status, reply.text)
  if (empty) assert.equal(reply.text, '')
  else {
    const { message, requestId } = reply.json as { message?: unknown; requestId?: unknown }
    assert.equal(typeof message, 'string')
    assert.equal(requestId, reply.headers['x-request-id'])
    assert.match(reply.headers['content-type'] ?? '', /^application\/json/)
  }
}

/** Fails unless the reply is a success of that status; without `json` it has neither body nor type. */
export const succeeded = (reply: Reply, status: number, json?: unknown): void => {
  assert.equal(reply.status, status, reply.text)
  if (json !== undefined) assert.deepEqual(reply.json, json)
  else {
    assert.equal(reply.text, '')
    assert.equal(reply.headers['content-type'], undefined)
  }
}

export const ann = { username: 'ann@site.test', password: 's3cret-phrase' }

/** One server for those tests of a file that leave it as it was. */
export const sharedApi = (): (() => ApiServer) => {
  let own: ApiServer | undefined
  before(async () => {
    own = await serveApi()
  })
  after(() => own?.[Symbol.asyncDispose]())
  return () => {
    if (!own) throw new Error('the server has not been started')
    return own
  }
}
