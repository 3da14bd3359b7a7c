import { BlockList, isIP, isIPv4 } from 'node:net'

/** Addresses and networks, such as `192.0.2.1` and `2001:db8::/32`; an address stands for itself alone. */
export class Networks {
  readonly #list = new BlockList()
  readonly #empty: boolean

  /** Throws RangeError for what is neither. */
  constructor(entries: readonly string[]) {
    this.#empty = entries.length === 0
    for (const entry of entries) this.#add(entry)
  }

  /** Whether an IP address is among them. An IPv4 address that is written as IPv6 counts as what it is. */
  has(ip: string): boolean {
    const address = plainIp(ip)
    return isIP(address) !== 0 && this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')
  }

  get empty(): boolean {
    return this.#empty
  }

  #add(entry: string): void {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? []
    const version = isIP(address)
    const most = version === 4 ? 32 : 128
    if (version === 0 || address.includes('%')) throw new RangeError(`${entry} is no IP address or network`)
    if (Number(bits ?? most) > most)
      throw new RangeError(`a network of ${address} has at most ${most} bits, not ${bits}`)
    this.#list.addSubnet(address, Number(bits ?? most), version === 4 ? 'ipv4' : 'ipv6')
  }
}

/** `::ffff:192.0.2.1`, as a socket for both kinds of addresses has it, is `192.0.2.1`; a zone is left out. */
export const plainIp = (ip: string): string => ip.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
