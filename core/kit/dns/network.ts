import { isIP } from 'node:net'
import type { DecodedPacket } from 'dns-packet'
import { orAbort } from '../abort.ts'
import { Recent } from '../recent.ts'
import { arpaName } from './arpa.ts'
import type { Server } from './exchange.ts'
import { exchange } from './exchange.ts'
import { Lookups } from './lookups.ts'
import type { QueryType, Reply } from './query.ts'
import { bareName, follow } from './query.ts'
import { DnsError } from './resolver.ts'
import type { Hosts, ResolvConf } from './system.ts'
import { parseHosts, parseResolvConf, SystemFile } from './system.ts'

export interface DnsOptions {
  /** `IP`, `IP:PORT` or `[IP]:PORT`, instead of those of resolv.conf; in the order in which they are asked. */
  readonly servers?: readonly string[]
  /** Milliseconds for one try. */
  readonly timeout?: number
  /** Rounds over all servers. */
  readonly attempts?: number
  /** Whether these servers' AD bit is believed, wherever they are; those of this machine are believed always. */
  readonly trustAd?: boolean
  /** Answers that are remembered, for as long as they allow. */
  readonly capacity?: number
  readonly resolvConf?: string
  readonly hosts?: string
  /** Milliseconds, from any start. */
  readonly now?: () => number
  /** Told of each server that failed to answer. */
  readonly trace?: (event: string, fields: Readonly<Record<string, unknown>>) => void
}

interface Remembered {
  readonly reply: Reply
  readonly until: number
}

/**
 * A stub resolver: asks the recursive servers of the system, one after the other, and remembers what they say. It opens
 * nothing before it is asked, and leaves nothing open.
 */
export class DnsResolver extends Lookups {
  constructor(options: DnsOptions = {}) {
    const stub = new Stub(options)
    super((name, type, signal) => stub.ask(name, type, signal))
  }
}

class Stub {
  readonly #options: DnsOptions
  readonly #servers: readonly Server[] | undefined
  readonly #resolvConf: SystemFile<ResolvConf>
  readonly #hosts: SystemFile<Hosts>
  readonly #remembered: Recent<Remembered>
  readonly #now: () => number
  /** Questions under way: who asks the same waits for the same answer. */
  readonly #asking = new Map<string, Promise<Reply>>()

  constructor(options: DnsOptions) {
    this.#options = options
    this.#servers = options.servers?.map(parseServer)
    this.#resolvConf = new SystemFile(options.resolvConf ?? '/etc/resolv.conf', parseResolvConf)
    this.#hosts = new SystemFile(options.hosts ?? '/etc/hosts', parseHosts)
    this.#remembered = new Recent(options.capacity ?? 10_000)
    this.#now = options.now ?? (() => performance.now())
  }

  async ask(name: string, type: QueryType, signal?: AbortSignal): Promise<Reply> {
    signal?.throwIfAborted()
    const local = fromHosts(await this.#hosts.get(), name, type)
    if (local) return local
    const key = `${type} ${name}`
    const remembered = this.#remembered.get(key)
    if (remembered && remembered.until > this.#now()) return remembered.reply
    const asking = this.#asking.get(key) ?? this.#begin(key, name, type)
    return orAbort(asking, signal)
  }

  #begin(key: string, name: string, type: QueryType): Promise<Reply> {
    const asking = this.#askServers(name, type)
      .then((reply) => {
        const seconds = timeToLive(reply, name, type)
        if (seconds > 0) this.#remembered.set(key, { reply, until: this.#now() + seconds * 1000 })
        return reply
      })
      .finally(() => this.#asking.delete(key))
    this.#asking.set(key, asking)
    return asking
  }

  async #askServers(name: string, type: QueryType): Promise<Reply> {
    const system = await this.#resolvConf.get()
    const found = this.#servers ?? system.servers
    const servers = found.length > 0 ? found : [{ host: '127.0.0.1', port: 53 }]
    const trustAd = this.#options.trustAd ?? (!this.#servers && system.trustAd)
    const timeout = this.#options.timeout ?? system.timeout ?? 5_000
    let last: unknown
    for (let round = this.#options.attempts ?? system.attempts ?? 2; round > 0; round--) {
      for (const server of servers) {
        try {
          const packet = await timed(timeout, (signal) => exchange(server, name, type, signal))
          return replyOf(packet, name, trustAd || isLoopback(server.host))
        } catch (error) {
          last = error
          const code = error instanceof DnsError ? error.code : undefined
          this.#options.trace?.('DNS server gave no answer', { server: server.host, name, type, code })
        }
      }
    }
    throw last
  }
}

/** Runs one try. Throws DnsError when the time is over. */
const timed = async <T>(milliseconds: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const signal = AbortSignal.timeout(milliseconds)
  try {
    return await run(signal)
  } catch (cause) {
    throw signal.aborted ? new DnsError('timeout', 'a DNS server did not answer in time', { cause }) : cause
  }
}

const replyOf = (packet: DecodedPacket, name: string, trusted: boolean): Reply => {
  const { rcode: code = 'malformed' } = packet as { readonly rcode?: string } // missing in the types of the library
  if (code !== 'NOERROR' && code !== 'NXDOMAIN') throw new DnsError(code, `a DNS server answered ${code} about ${name}`)
  const { answers = [], authorities = [], flag_ad } = packet
  return { code, answers, authorities, authentic: flag_ad && trusted }
}

const day = 86_400

/** Seconds for which a reply may be remembered; that there is nothing, for what the SOA says (RFC 2308 §5), not over 15 minutes. */
const timeToLive = ({ answers, authorities }: Reply, name: string, type: QueryType): number => {
  const { aliases, records } = follow(answers, name, type)
  const used = [...aliases, ...records].map((each) => ('ttl' in each ? (each.ttl ?? 0) : 0))
  if (records.length > 0) return Math.min(day, ...used)
  const soa = authorities.find((each) => each.type === 'SOA')
  return soa ? Math.min(900, soa.ttl ?? 0, soa.data.minimum ?? 0, ...used) : 0
}

const isLoopback = (host: string): boolean =>
  host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.')

/** Throws RangeError. */
export const parseServer = (text: string): Server => {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = isIP(text) ? text : (bracketed ?? plain ?? '')
  const port = Number(digits ?? 53)
  if (!isIP(host.replace(/%.*$/, '')) || port < 1 || port > 65_535) {
    throw new RangeError(`expected the address of a DNS server such as 127.0.0.1:53, not ${JSON.stringify(text)}`)
  }
  return { host, port }
}

/** What the machine itself knows: names in its hosts file, and those that mean itself (RFC 6761 §6.3). */
const fromHosts = (hosts: Hosts, name: string, type: QueryType): Reply | undefined => {
  const reply = (answers: Reply['answers']): Reply => ({ code: 'NOERROR', answers, authorities: [], authentic: false })
  if (type === 'A' || type === 'AAAA') {
    const family = type === 'A' ? 4 : 6
    const own = /(^|\.)localhost$/.test(name) ? ['127.0.0.1', '::1'] : undefined
    const known = hosts.addresses.get(name) ?? own
    return known && reply(known.filter((ip) => isIP(ip) === family).map((data) => ({ type, name, data })))
  }
  if (type !== 'PTR') return undefined
  for (const [ip, names] of hosts.names) {
    if (arpaName(ip) === name) return reply(names.map((data) => ({ type, name, data: bareName(data) })))
  }
  return undefined
}
