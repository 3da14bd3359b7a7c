import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buildApp } from 'fauxqs'

/** What goes wrong with one request. */
export type Fault =
  /** This answer instead of the store's. */
  | { readonly status: number; readonly code: string }
  /** No answer ever. */
  | 'hang'
  /** The connection ends before anything has been done. */
  | 'reset'
  /** All is done, and then the connection ends instead of an answer. */
  | 'deaf'
  /** The connection ends after so many bytes of the body of the answer. */
  | { readonly cut: number }

export interface Asked {
  readonly method: string
  /** Without the bucket. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** The name of the key that it is signed with. */
  readonly accessKey: string
}

/** A store with one bucket, `mail`, which lets in requests alone that are signed well. */
export interface TestS3 extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly endpoint: string
  /** Directives of a `storage.blob.s3` for it. */
  conf(...more: string[]): string
  /** All requests, in the order in which they came. */
  readonly asked: Asked[]
  /** Decides what goes wrong. */
  fault: (asked: Asked) => Fault | undefined
  /** The secrets of keys, by their names. At first there is `access` alone. */
  readonly secrets: Map<string, string>
  /** Where the bucket is; requests signed for another region are sent away. */
  region: string | undefined
  keys(): Promise<string[]>
  put(key: string, content: Uint8Array | string): Promise<void>
  remove(key: string): Promise<void>
  /** Makes an object look as old as that in the list. */
  readonly dates: Map<string, Date>
  /** What has been begun in parts and not been ended, by the id of the upload. */
  readonly unfinished: Map<string, { readonly key: string; readonly begun: Date }>
  /** Ends all requests that hang. */
  release(): void
  /** Bytes of answers that nobody has taken yet. */
  unsent(): number
}

export const s3Store = async (): Promise<TestS3> => {
  await using stack = new AsyncDisposableStack()
  const app = buildApp({ logger: false })
  const inner = await app.listen({ port: 0, host: '127.0.0.1' })
  stack.defer(() => app.close())
  await fetch(`${inner}/mail`, { method: 'PUT' })
  const front = new Front(inner)
  const server = createServer((incoming, response) => {
    front.answer(incoming, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stack.defer(async () => {
    front.release()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const held = stack.move()
  return Object.assign(front, {
    endpoint,
    conf: (...more: string[]) => {
      const keys = more.some((line) => line.startsWith('creds')) ? [] : ['access_key access', 'secret_key secret']
      return [`endpoint ${endpoint}`, 'secure no', 'bucket mail', ...keys, ...more].join('\n')
    },
    async keys() {
      const found: string[] = []
      for (let token = ''; ; ) {
        const more = token === '' ? '' : `&continuation-token=${encodeURIComponent(token)}`
        const text = await (await fetch(`${inner}/mail?list-type=2${more}`)).text()
        found.push(...[...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key))
        token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? ''
        if (token === '') return found
      }
    },
    async put(key: string, content: Uint8Array | string) {
      await fetch(`${inner}/mail/${key}`, { method: 'PUT', body: Buffer.from(content) })
    },
    async remove(key: string) {
      await fetch(`${inner}/mail/${key}`, { method: 'DELETE' })
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  })
}

/** Stands before the store: checks signatures, spoils answers, and knows of uploads what the store does not tell. */
class Front {
  readonly asked: Asked[] = []
  readonly secrets = new Map([['access', 'secret']])
  readonly dates = new Map<string, Date>()
  readonly unfinished = new Map<string, { key: string; begun: Date }>()
  fault: (asked: Asked) => Fault | undefined = () => undefined
  region: string | undefined
  readonly #inner: string
  readonly #hanging = new Set<ServerResponse>()
  readonly #answering = new Set<ServerResponse>()

  constructor(inner: string) {
    this.#inner = inner
  }

  release(): void {
    for (const response of this.#hanging) response.destroy()
    this.#hanging.clear()
  }

  unsent(): number {
    return [...this.#answering].reduce((sum, { writableLength }) => sum + writableLength, 0)
  }

  async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#answering.add(response)
    response.on('close', () => this.#answering.delete(response))
    const { method = '', headers } = incoming
    const url = new URL(incoming.url ?? '/', this.#inner)
    const { accessKey, region, valid } = signatureOf(method, url, headers, this.secrets)
    const key = decodeURIComponent(url.pathname.slice(1).split('/').slice(1).join('/'))
    const asked: Asked = { method, key, query: url.searchParams, headers, accessKey }
    this.asked.push(asked)
    const fault = this.fault(asked)
    if (fault === 'hang') {
      this.#hanging.add(response)
      return
    }
    if (fault === 'reset') return void incoming.socket.resetAndDestroy()
    const refused = fault !== undefined && typeof fault === 'object' && 'status' in fault ? fault : undefined
    if (refused) return refuse(response, method, refused)
    if (!valid) return refuse(response, method, { status: 403, code: 'SignatureDoesNotMatch' })
    if (this.region !== undefined && region !== this.region) {
      response.setHeader('x-amz-bucket-region', this.region)
      return refuse(response, method, { status: 400, code: 'AuthorizationHeaderMalformed' })
    }
    if (method === 'GET' && url.searchParams.has('uploads')) return this.#listUploads(response)
    await this.#pass(incoming, response, asked, fault)
  }

  async #pass(incoming: IncomingMessage, response: ServerResponse, asked: Asked, fault: Fault | undefined) {
    const { method, query, key } = asked
    const inner = request(new URL(incoming.url ?? '/', this.#inner), { method, headers: incoming.headers })
    incoming.pipe(inner)
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      inner.on('response', resolve).on('error', reject)
    })
    const body = Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>))
    if (method === 'POST' && query.has('uploads')) {
      const [, id = ''] = /<UploadId>([^<]*)</.exec(body.toString()) ?? []
      this.unfinished.set(id, { key, begun: new Date() })
    }
    const upload = query.get('uploadId')
    if (upload !== null && (method === 'DELETE' || method === 'POST')) this.unfinished.delete(upload)
    if (fault === 'deaf') return void incoming.socket.resetAndDestroy()
    const told = method === 'GET' && key === '' ? this.#redated(body) : body
    response.writeHead(answer.statusCode ?? 500, {
      ...answer.headers,
      ...(method !== 'HEAD' && { 'content-length': told.length }),
    })
    if (typeof fault !== 'object' || !('cut' in fault) || fault.cut >= told.length) return void response.end(told)
    response.write(told.subarray(0, fault.cut), () => incoming.socket.destroySoon())
  }

  #redated(body: Buffer): Buffer {
    const text = body.toString().replaceAll(/<Contents>.*?<\/Contents>/gs, (entry) => {
      const date = this.dates.get(/<Key>([^<]*)</.exec(entry)?.[1] ?? '')
      return date ? entry.replace(/<LastModified>[^<]*</, `<LastModified>${date.toISOString()}<`) : entry
    })
    return Buffer.from(text)
  }

  #listUploads(response: ServerResponse): void {
    const uploads = [...this.unfinished].map(
      ([id, { key, begun }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun.toISOString()}</Initiated></Upload>`,
    )
    response.setHeader('content-type', 'application/xml')
    response.end(`<ListMultipartUploadsResult>${uploads.join('')}</ListMultipartUploadsResult>`)
  }
}

const refuse = (response: ServerResponse, method: string, { status, code }: { status: number; code: string }) => {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(method === 'HEAD' ? '' : `<Error><Code>${code}</Code><Message>told to say so</Message></Error>`)
}

/** Whether a request is signed with one of the keys (AWS Signature Version 4). */
const signatureOf = (
  method: string,
  url: URL,
  headers: IncomingMessage['headers'],
  secrets: ReadonlyMap<string, string>,
): { readonly accessKey: string; readonly region: string; readonly valid: boolean } => {
  const [, credential = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]*), ?SignedHeaders=([^,]*), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? []
  const [accessKey = '', day = '', region = '', service = ''] = credential.split('/')
  const secret = secrets.get(accessKey)
  if (secret === undefined) return { accessKey, region, valid: false }
  const signed = names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`)
  const query = [...url.searchParams]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&')
  const hash = String(headers['x-amz-content-sha256'] ?? '')
  const canonical = [method, url.pathname, query, signed.join(''), names, hash].join('\n')
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${headers['x-amz-date']}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`
  const key = [day, region, service, 'aws4_request'].reduce<Buffer | string>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${secret}`,
  )
  return { accessKey, region, valid: createHmac('sha256', key).update(text).digest('hex') === signature }
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
