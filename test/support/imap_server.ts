import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { saslServer } from '../../core/kit/sasl/index.ts'
import type { Storage } from '../../core/mail/storage.ts'
import { serveClient } from '../../modules/imap/endpoint.ts'
import { Places } from '../../modules/imap/places.ts'
import { defaultLimits, type Limits, type Settings } from '../../modules/imap/settings.ts'
import { dialImap, type ImapWire } from './imap_wire.ts'
import { MemoryStorage } from './memory_storage.ts'
import { everybody } from './sasl.ts'
import { keepingLog, type Line } from './tls.ts'

export interface ImapServer<S extends Storage = MemoryStorage> extends AsyncDisposable {
  readonly port: number
  readonly storage: S
  readonly lines: readonly Line[]
  /** Where large messages wait while they are received. */
  readonly spool: string
  /** A client that has read the greeting. */
  dial(): Promise<ImapWire>
  /** A client that has logged in. */
  logIn(username?: string): Promise<ImapWire>
  /** Tells all sessions to stop. */
  stop(): void
}

export interface ImapServerOptions<S extends Storage> {
  readonly storage?: S
  readonly limits?: Partial<Limits>
  readonly settings?: Partial<Settings>
  readonly scheme?: 'tcp' | 'tls' | 'unix'
}

/**
 * The sessions of an IMAP endpoint on a port of their own, without a configuration around them. Whoever gives the password
 * `secret` may log in.
 */
export async function imapServer(options?: ImapServerOptions<MemoryStorage>): Promise<ImapServer>
export async function imapServer<S extends Storage>(
  options: ImapServerOptions<S> & { readonly storage: S },
): Promise<ImapServer<S>>
export async function imapServer(options: ImapServerOptions<Storage> = {}): Promise<ImapServer<Storage>> {
  await using stack = new AsyncDisposableStack()
  const spool = await mkdtemp(join(tmpdir(), 'tsmaddy-imap-'))
  stack.defer(() => rm(spool, { recursive: true, force: true }))
  const storage = options.storage ?? new MemoryStorage()
  const { log, lines } = keepingLog()
  const settings: Settings = {
    storage,
    login: {
      mechanisms: ['PLAIN', 'LOGIN'],
      verify: async (_name, password) => password === 'secret',
      exchange: (mechanism, { channel }) => saslServer(mechanism, everybody('secret'), channel),
    },
    accountName: async (username) => username,
    tls: null,
    insecureAuth: true,
    log,
    ioDebug: false,
    ioErrors: true,
    spoolDirectory: spool,
    fromAddress: new Places(0),
    ofAccount: new Places(0),
    identity: 'tsmaddy',
    limits: { ...defaultLimits, ...options.limits },
    ...options.settings,
  }
  const ending = new AbortController()
  const running = new Set<Promise<void>>()
  const sockets = new Set<Socket>()
  const session = serveClient(settings, undefined)
  const scheme = options.scheme ?? 'tcp'
  const address = { scheme, text: `${scheme}://127.0.0.1:0`, host: '127.0.0.1', port: 0, path: '' } as const
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const done = session(socket, address, ending.signal).finally(() => {
      socket.destroySoon()
      running.delete(done)
      sockets.delete(socket)
    })
    running.add(done)
  })
  stack.defer(async () => {
    server.close()
    ending.abort()
    for (const socket of sockets) socket.destroy()
    await Promise.all(running)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dial = async () => {
    const client = await dialImap(port)
    await client.expect('* OK …')
    return client
  }
  const held = stack.move()
  return {
    port,
    storage,
    lines,
    spool,
    dial,
    async logIn(username = 'user@example.org') {
      const client = await dial()
      await client.check(`LOGIN ${username} secret`, 'OK …')
      return client
    },
    stop: () => ending.abort(),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
