import { isIPv4, isIPv6 } from 'node:net'

/** The name under which an address has its PTR records (RFC 1035 §3.5, RFC 3596 §2.5); undefined for what is no address. */
export const arpaName = (ip: string): string | undefined => {
  const plain = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1] ?? ip.replace(/%.*$/s, '')
  if (isIPv4(plain)) return `${plain.split('.').reverse().join('.')}.in-addr.arpa`
  if (!isIPv6(plain)) return undefined
  return `${[...groupsOf(plain).join('')].reverse().join('.')}.ip6.arpa`
}

/** The eight groups of an IPv6 address, four hexadecimal digits each. */
export const groupsOf = (ip: string): string[] => {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(ip)
  const [, start = '', ...bytes] = dotted ?? []
  const hexadecimal = bytes.map((byte) => Number(byte).toString(16).padStart(2, '0'))
  const text = dotted ? `${start}${hexadecimal.slice(0, 2).join('')}:${hexadecimal.slice(2).join('')}` : ip
  const [head = '', tail] = text.toLowerCase().split('::')
  const split = (part: string) => part.split(':').filter((group) => group !== '')
  const [before, after] = [split(head), split(tail ?? '')]
  const zeros = new Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0')
  return [...before, ...zeros, ...after].map((group) => group.padStart(4, '0'))
}
