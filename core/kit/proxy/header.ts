import { isIPv4, isIPv6 } from 'node:net'

/** What a PROXY header told: whose connection it is, or, without a source, that the proxy speaks for itself. */
export interface ProxyHeader {
  readonly source: { readonly ip: string; readonly port: number } | undefined
}

/** A header that breaks the rules: of a broken proxy, or of no proxy at all. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
}

/** `found` with the octets it took; `more` when it cannot be told yet; `none` when these are the client's own words. */
export type Scan =
  | { readonly kind: 'found'; readonly header: ProxyHeader; readonly length: number }
  | { readonly kind: 'more' | 'none' }

const v1 = Buffer.from('PROXY ')
const v2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
/** The longest line of version 1, with its CRLF. */
const longestV1 = 107
/** Octets of version 2 before the addresses. */
const fixedV2 = 16
/** More than any known set of TLVs needs. */
const longestV2 = 4096

/**
 * Looks for a PROXY header, version 1 or 2 of HAProxy's specification, at the start of what a connection has sent.
 * Throws ProxyError when one begins and does not go on as it has to.
 */
export const scanProxyHeader = (bytes: Buffer): Scan => {
  if (startsLike(bytes, v1)) return bytes.length < v1.length ? { kind: 'more' } : scanV1(bytes)
  if (startsLike(bytes, v2)) return bytes.length < fixedV2 ? { kind: 'more' } : scanV2(bytes)
  return { kind: 'none' }
}

const startsLike = (bytes: Buffer, signature: Buffer): boolean => {
  const length = Math.min(bytes.length, signature.length)
  return bytes.compare(signature, 0, length, 0, length) === 0
}

/** `PROXY TCP4 192.0.2.1 192.0.2.2 54321 25`, or `PROXY UNKNOWN` and anything. */
const scanV1 = (bytes: Buffer): Scan => {
  const end = bytes.subarray(0, longestV1).indexOf('\r\n')
  if (end < 0) {
    if (bytes.length >= longestV1) throw new ProxyError('the line of the PROXY header is too long')
    return { kind: 'more' }
  }
  const [, family, ...words] = bytes.toString('latin1', 0, end).split(' ')
  const found = (source: ProxyHeader['source']): Scan => ({ kind: 'found', header: { source }, length: end + 2 })
  if (family === 'UNKNOWN') return found(undefined)
  const [ip = '', destination = '', port = '', destinationPort = '', ...more] = words
  const isIP = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isIPv6 : undefined
  if (!isIP?.(ip) || !isIP(destination) || !isPort(port) || !isPort(destinationPort) || more.length > 0) {
    throw new ProxyError('the PROXY header is malformed')
  }
  return found({ ip, port: Number(port) })
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535

const scanV2 = (bytes: Buffer): Scan => {
  const versionAndCommand = bytes.readUInt8(12)
  const family = bytes.readUInt8(13)
  const size = bytes.readUInt16BE(14)
  const command = versionAndCommand & 0x0f
  if (versionAndCommand >> 4 !== 2 || command > 1) throw new ProxyError('the version of the PROXY header is unknown')
  if (size > longestV2) throw new ProxyError('the PROXY header is too long')
  const length = fixedV2 + size
  if (bytes.length < length) return { kind: 'more' }
  const addresses = bytes.subarray(fixedV2, length)
  const source = command === 0 ? undefined : sourceOf(family, addresses)
  return { kind: 'found', header: { source }, length }
}

/** Undefined for what is neither TCP nor UDP over IP: a Unix socket, or nothing that is specified. */
const sourceOf = (family: number, addresses: Buffer): ProxyHeader['source'] => {
  const [octets, ports] = family >> 4 === 1 ? [4, 8] : family >> 4 === 2 ? [16, 32] : [0, 0]
  if (octets === 0) return undefined
  if (addresses.length < ports + 4) throw new ProxyError('the addresses of the PROXY header are cut short')
  return { ip: format(addresses.subarray(0, octets)), port: addresses.readUInt16BE(ports) }
}

const format = (octets: Buffer): string => {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => octets.readUInt16BE(2 * i).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
