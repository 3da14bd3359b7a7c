import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { connect, TLSSocket } from 'node:tls'
import type { Context, Lifecycle, ModuleDefinition, Scope } from '../../core/index.ts'
import { blaming, readBlock } from '../../core/index.ts'
import type { Logger } from '../../core/log.ts'
import type { ServerTls } from '../../core/mail/tls.ts'
import { serverTls } from '../../core/mail/tls.ts'
import type { Node } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import file from '../../modules/tls/loader/file.ts'
import selfSigned from '../../modules/tls/loader/self_signed.ts'
import { nodes } from './nodes.ts'

/** A line of a log, as it was called for. */
export interface Line {
  readonly level: 'debug' | 'info' | 'error'
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A logger that keeps its lines, and tells `heard` of each. */
export const keepingLog = (heard: (line: Line) => void = () => {}): { log: Logger; lines: Line[] } => {
  const lines: Line[] = []
  const add = (line: Line) => {
    lines.push(line)
    heard(line)
  }
  const log: Logger = {
    debugging: true,
    with: () => log,
    part: () => log,
    debug: (event, fields = {}) => add({ level: 'debug', event, fields }),
    info: (event, fields = {}) => add({ level: 'info', event, fields }),
    error: (event, error, fields = {}) =>
      add({ level: 'error', event, fields: { reason: error instanceof Error ? error.message : error, ...fields } }),
  }
  return { log, lines }
}

export interface TlsServer extends AsyncDisposable {
  /** What the `tls` directive of the text stands for. */
  readonly tls: ServerTls | null
  readonly warnings: readonly string[]
}

const definitions = [file, selfSigned] as unknown as readonly ModuleDefinition[]

/**
 * Reads the `tls` directive of a configuration, with the loaders that it names and those in blocks of their own, and
 * starts these. Throws ConfigError as building a graph would.
 */
export const tlsOf = async (text: string, log: Logger = keepingLog().log): Promise<TlsServer> => {
  const top = await nodes(text)
  const held = new AsyncDisposableStack()
  const made = new Map<object, Promise<Lifecycle>>()
  const warnings: string[] = []

  const create = async (definition: ModuleDefinition, node: Node, words: Node['args']): Promise<Lifecycle> => {
    const config = await readBlock(definition.config, node, scope)
    const inline = await definition.inline?.read(
      definition.name,
      words.length > 0 ? [{ name: node.name, args: words }] : [],
      node.name,
      scope,
    )
    const context = { at: node.name.at, log, path: (path: string) => path } as Context
    const api: Lifecycle = blaming(node.name.at, () => definition.create({ ...config, inline } as never, context))
    await api.inspect?.()
    await api.start?.(held)
    return api
  }

  const scope: Scope = {
    environment: () => undefined,
    global: (name) => top.find((node) => node.name.text === name),
    async instance<T>(_role: unknown, node: Node): Promise<T> {
      const [first, ...rest] = node.args
      if (!first) throw new ConfigError(node.name.at, 'needs a module')
      const block = first.text.startsWith('&')
        ? top.find((each) => each.args[0]?.text === first.text.slice(1))
        : { name: first, args: rest, ...(node.children && { children: node.children }) }
      const name = first.text.startsWith('&') ? block?.name.text : `tls.loader.${first.text}`
      const definition = definitions.find((each) => each.name === name)
      if (!definition || !block) throw new ConfigError(first.at, `unknown module: ${first.text}`)
      const key = first.text.startsWith('&') ? block : first
      const api = made.get(key) ?? create(definition, block, first.text.startsWith('&') ? [] : rest)
      made.set(key, api)
      return (await api) as T
    },
    later: () => {
      throw new Error('nothing is referred to later here')
    },
    provides: () => false,
    path: (written) => written,
    warn: (_at, reason) => warnings.push(reason),
  }

  const owner = { text: 'smtp', quoted: false, at: { file: 'test.conf', line: 1, column: 1 } }
  const directive = serverTls().required()
  try {
    const tls = await directive.read(
      'tls',
      top.filter(({ name }) => name.text === 'tls'),
      owner,
      scope,
    )
    return { tls, warnings, [Symbol.asyncDispose]: () => held.disposeAsync() }
  } catch (error) {
    await held.disposeAsync()
    throw error
  }
}

/** What a client saw of one handshake. */
export interface Handshake {
  readonly protocol: string
  /** The common name of the certificate. */
  readonly subject: string
}

/** One handshake over a socket of its own. Rejects with the client's error, or the server's when it had one first. */
export const handshake = async (tls: ServerTls, options: ConnectionOptions = {}): Promise<Handshake> => {
  const { promise: failed, reject } = Promise.withResolvers<never>()
  failed.catch(() => {})
  const server = createServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, ...tls.options() })
    secure.on('error', reject)
    socket.on('error', reject)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  try {
    await Promise.race([once(client, 'secureConnect'), failed])
    const { subject } = client.getPeerCertificate()
    return { protocol: client.getProtocol() ?? '', subject: String(subject.CN) }
  } finally {
    client.on('error', () => {})
    client.destroy()
    server.close()
  }
}
