import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises'
import { connect, createServer, isIP, type ListenOptions, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import type { EndpointAddress } from '../config/endpoint.ts'

/** Where a server is bound: what `listen` of Node takes. */
type Place = Pick<ListenOptions, 'host' | 'port' | 'path' | 'ipv6Only'>

/** What a bound socket tells of. */
export interface PortEvents {
  connection(socket: Socket): void
  failure(error: Error): void
}

/** A bound address. It may take two sockets, one for IPv4 and one for IPv6, so that IPv4 addresses look like ones. */
export interface BoundPort {
  /** The port in use; 0 for a Unix socket. */
  readonly port: number
  close(): void
}

/** How many connections the system may keep until they are accepted; it may have a lower limit of its own. */
const backlog = 4_096

/**
 * Binds an address; `path` is the absolute one of a Unix socket. Throws an Error whose message says in words which address
 * and why.
 */
export const bind = async (address: EndpointAddress, path: string, events: PortEvents): Promise<BoundPort> => {
  const servers: Server[] = []
  try {
    if (address.scheme === 'unix') servers.push(await bindUnix(path, events))
    else await bindNetwork(address, servers, events)
  } catch (cause) {
    for (const server of servers) server.close()
    throw new Error(`cannot listen on ${address.text}: ${reason(cause)}`, { cause })
  }
  const bound = servers[0]?.address()
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    close: () => {
      for (const server of servers) server.close()
    },
  }
}

/** How often a free port is tried that turns out to be taken for the other family of addresses. */
const attempts = 8

const bindNetwork = async ({ host, port }: EndpointAddress, servers: Server[], events: PortEvents): Promise<void> => {
  if (!isWildcard(host)) {
    servers.push(await listen({ host: await resolve(host), port }, events))
    return
  }
  // Both families, as the 0.0.0.0 of maddy's configuration files always meant.
  for (let left = attempts; ; left--) {
    const first = await listen({ host: '0.0.0.0', port }, events).catch(unlessMissing)
    const chosen = first?.address()
    const same = typeof chosen === 'object' && chosen !== null ? chosen.port : port
    try {
      const second = await listen({ host: '::', port: same, ipv6Only: true }, events).catch(unlessMissing)
      servers.push(...[first, second].filter((server) => server !== undefined))
      if (servers.length === 0) throw new Error('the machine has neither IPv4 nor IPv6')
      return
    } catch (error) {
      first?.close()
      if (port !== 0 || left === 0 || codeOf(error) !== 'EADDRINUSE') throw error
    }
  }
}

/** Every address of the machine, however that is written. */
export const isWildcard = (host: string): boolean => host === '' || host === '0.0.0.0' || /^[0:]*:[0:]*$/.test(host)

/** A machine may lack one of the two families. */
const unlessMissing = (error: unknown): undefined => {
  if (codeOf(error) === 'EAFNOSUPPORT' || codeOf(error) === 'EADDRNOTAVAIL') return undefined
  throw error
}

/** The address behind a name, IPv4 first: a name stands for one address, as in maddy. */
const resolve = async (host: string): Promise<string> => {
  if (isIP(host.replace(/%.*$/, '')) !== 0) return host
  const { address } = await lookup(host, { order: 'ipv4first' })
  return address
}

const listen = async (place: Place, events: PortEvents): Promise<Server> => {
  // A client that closes its side after its last command still gets the replies; sessions end by themselves then.
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 })
  server.listen({ ...place, backlog })
  await once(server, 'listening')
  // Out of descriptors, most likely: the next connection may do better, so this is no reason to end.
  server.on('error', (error) => events.failure(error))
  server.on('connection', (socket) => events.connection(socket))
  return server
}

const bindUnix = async (path: string, events: PortEvents): Promise<Server> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await removeStale(path)
  const server = await listen({ path }, events)
  await chmod(path, 0o660) // whoever is in the group may connect, whatever the umask was
  return server
}

/** A socket file that nobody answers at was left behind by a process that is gone. */
export const removeStale = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw new Error('a file is in its place that is no socket')
  if (await answers(path)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
  await unlink(path)
}

const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Anything but a refusal, such as a lack of permission, is no proof that nobody is there.
    socket.once('error', (error) => resolve(codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ENOENT'))
  })

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the address is in use by another program',
  EACCES: 'permission denied (ports below 1024 need root or the capability to bind them)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name is unknown',
  EAI_AGAIN: 'the name cannot be looked up now',
}

const reason = (error: unknown): string =>
  reasons[codeOf(error)] ?? (error instanceof Error ? error.message : `${error}`)
