import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Server } from './exchange.ts'
import { bareName } from './query.ts'

/** What `/etc/resolv.conf` says (resolv.conf(5)); search lists are for people, and left out. */
export interface ResolvConf {
  readonly servers: readonly Server[]
  /** Milliseconds for one try. */
  readonly timeout: number | undefined
  /** Rounds over all servers. */
  readonly attempts: number | undefined
  /** Whether answers of servers on other machines may be believed to be authentic. */
  readonly trustAd: boolean
}

export const parseResolvConf = (text: string): ResolvConf => {
  const lines = text.split('\n').map((line) =>
    line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/),
  )
  const options = lines.filter(([word]) => word === 'options').flatMap(([, ...rest]) => rest)
  const number = (name: string) => {
    const [, digits] = options.map((each) => new RegExp(`^${name}:(\\d{1,4})$`).exec(each)).findLast(Boolean) ?? []
    return digits === undefined || Number(digits) === 0 ? undefined : Number(digits)
  }
  const seconds = number('timeout')
  return {
    servers: lines
      .filter(([word, host = '']) => word === 'nameserver' && isIP(host.replace(/%.*$/, '')))
      .map(([, host = '']) => ({ host, port: 53 })),
    timeout: seconds && Math.min(seconds, 30) * 1000,
    attempts: Math.min(number('attempts') ?? 0, 5) || undefined,
    trustAd: options.includes('trust-ad'),
  }
}

/** What `/etc/hosts` says. */
export interface Hosts {
  /** Addresses, by name in lower case. */
  readonly addresses: ReadonlyMap<string, readonly string[]>
  /** Names, by address. */
  readonly names: ReadonlyMap<string, readonly string[]>
}

export const parseHosts = (text: string): Hosts => {
  const addresses = new Map<string, string[]>()
  const names = new Map<string, string[]>()
  const add = (to: Map<string, string[]>, key: string, value: string) => to.set(key, [...(to.get(key) ?? []), value])
  for (const line of text.split('\n')) {
    const [ip = '', ...aliases] = line.replace(/#.*$/, '').trim().split(/\s+/)
    if (!isIP(ip)) continue
    for (const alias of aliases) {
      add(addresses, bareName(alias), ip)
      add(names, ip, alias)
    }
  }
  return { addresses, names }
}

/** A file that may be edited at any time: read when first asked for, and anew after it changed. */
export class SystemFile<T> {
  readonly #path: string
  readonly #parse: (text: string) => T
  #value: Promise<T> | undefined
  #version = ''
  #looked = Number.NEGATIVE_INFINITY

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path
    this.#parse = parse
  }

  /** One that is missing, or cannot be read, is as good as empty. Looked at every five seconds at most. */
  async get(): Promise<T> {
    if (performance.now() - this.#looked > 5_000 || !this.#value) {
      this.#looked = performance.now()
      const found = await stat(this.#path).catch(() => undefined)
      const version = found ? `${found.ino} ${found.size} ${found.mtimeMs}` : ''
      if (version !== this.#version || !this.#value) {
        this.#version = version
        this.#value = readFile(this.#path, 'utf8').then(this.#parse, () => this.#parse(''))
      }
    }
    return this.#value
  }
}
