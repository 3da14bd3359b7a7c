import type { IncomingMessage } from 'node:http'
import { isIP, isIPv6 } from 'node:net'
import { TLSSocket } from 'node:tls'
import { groupsOf } from '../../core/kit/dns/arpa.ts'
import { type Networks, plainIp } from '../../core/kit/proxy/index.ts'

/** Who sent a request. */
export interface Client {
  /** Null for a program of this machine that connected to a Unix socket and names nobody else. */
  readonly ip: string | null
  /** One client as far as can be told: an IPv4 address, or a /64 of IPv6, of which anybody has that many. */
  readonly key: string
  /** Whether nobody on the way can read along. */
  readonly secure: boolean
}

/** Believes what proxies say of those whose requests they pass on, as far as the proxies are trusted. */
export const clientOf = (request: IncomingMessage, trusted: Networks | undefined): Client => {
  const { socket, headers } = request
  const peer = socket.remoteAddress === undefined ? null : plainIp(socket.remoteAddress)
  const believed = (ip: string | null) => ip === null || (trusted?.has(ip) ?? false)
  const encrypted = socket instanceof TLSSocket
  if (!believed(peer)) return client(peer, encrypted)
  const proto = headers['x-forwarded-proto']
  const secure = encrypted || (typeof proto === 'string' && proto.trim().toLowerCase() === 'https')
  return client(forwardedFor(headers['x-forwarded-for'], peer, believed), secure)
}

/** From the last element to the first: each proxy adds whom it was called by, and what a stranger wrote stands before that. */
const forwardedFor = (
  header: string | string[] | undefined,
  peer: string | null,
  believed: (ip: string | null) => boolean,
): string | null => {
  let ip = peer
  for (const element of [header ?? []].flat().join(',').split(',').toReversed()) {
    const next = plainIp(element.trim())
    if (!believed(ip) || isIP(next) === 0) break
    ip = next
  }
  return ip
}

const client = (ip: string | null, secure: boolean): Client => ({ ip, key: keyOf(ip), secure })

const keyOf = (ip: string | null): string => {
  if (ip === null) return 'unix'
  return isIPv6(ip) ? groupsOf(ip).slice(0, 4).join(':') : ip
}
