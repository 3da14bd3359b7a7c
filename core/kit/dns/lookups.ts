import { isIPv4, isIPv6 } from 'node:net'
import type { Answer as ResourceRecord } from 'dns-packet'
import { toAscii } from '../address/domain.ts'
import { arpaName } from './arpa.ts'
import type { Ask, QueryType } from './query.ts'
import { bareName, follow } from './query.ts'
import type { Answer, Mx, Resolver, Tlsa } from './resolver.ts'

const nothing = { records: [], authentic: false, nonexistent: true }

/** The typed lookups of a Resolver, over something that answers single questions. */
export class Lookups implements Resolver {
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
  }

  a(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookup(name, 'A', addressOf, signal)
  }

  aaaa(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookup(name, 'AAAA', addressOf, signal)
  }

  txt(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookup(name, 'TXT', (record) => (record.type === 'TXT' ? joined(record.data) : undefined), signal)
  }

  async mx(name: string, signal?: AbortSignal): Promise<Answer<Mx>> {
    const answer = await this.#lookup(name, 'MX', mxOf, signal)
    return { ...answer, records: answer.records.toSorted((one, other) => one.preference - other.preference) }
  }

  async reverse(ip: string, signal?: AbortSignal): Promise<Answer<string>> {
    const name = arpaName(ip)
    if (name === undefined) return nothing
    return this.#lookup(name, 'PTR', (record) => (record.type === 'PTR' ? hostName(record.data) : undefined), signal)
  }

  tlsa(name: string, signal?: AbortSignal): Promise<Answer<Tlsa>> {
    return this.#lookup(name, 'TLSA', tlsaOf, signal)
  }

  ns(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    return this.#lookup(name, 'NS', (record) => (record.type === 'NS' ? hostName(record.data) : undefined), signal)
  }

  async canonical(name: string, signal?: AbortSignal): Promise<Answer<string>> {
    const asked = question(name)
    if (asked === undefined) return nothing
    const { code, answers, authentic } = await this.#ask(asked, 'A', signal)
    const { name: end, aliases } = follow(answers, asked, 'A')
    const last = aliases.length > 0 ? hostName(end) : undefined
    return {
      records: last === undefined ? [] : [last],
      authentic,
      ...(code === 'NXDOMAIN' && { nonexistent: true }),
    }
  }

  /** `turn` leaves out, with undefined, what is of no use to anybody. */
  async #lookup<T>(
    name: string,
    type: QueryType,
    turn: (record: ResourceRecord) => T | undefined,
    signal?: AbortSignal,
  ): Promise<Answer<T>> {
    const asked = question(name)
    if (asked === undefined) return nothing
    const { code, answers, authentic } = await this.#ask(asked, type, signal)
    const { records } = follow(answers, asked, type)
    return {
      records: records.map(turn).filter((record) => record !== undefined),
      authentic,
      ...(code === 'NXDOMAIN' && { nonexistent: true }),
    }
  }
}

/** A name as it is asked for; undefined for one that no DNS message can hold (RFC 1035 §2.3.4). */
const question = (name: string): string | undefined => {
  try {
    const ascii = bareName(toAscii(name))
    const fits = ascii.length <= 253 && ascii.split('.').every((label) => label.length > 0 && label.length <= 63)
    return fits && /^[!-~]+$/.test(ascii) ? ascii : undefined
  } catch {
    return undefined
  }
}

/** A name from a stranger's record, without its final dot. One that is not printable would only do harm in a log or header. */
const hostName = (name: string): string | undefined => {
  const bare = name.replace(/\.$/, '')
  return /^[!-~]*$/.test(bare) ? bare : undefined
}

const addressOf = (record: ResourceRecord): string | undefined =>
  (record.type === 'A' && isIPv4(record.data)) || (record.type === 'AAAA' && isIPv6(record.data))
    ? record.data
    : undefined

const mxOf = (record: ResourceRecord): Mx | undefined => {
  const host = record.type === 'MX' ? hostName(record.data.exchange) : undefined
  return record.type === 'MX' && host !== undefined ? { host, preference: record.data.preference ?? 0 } : undefined
}

const tlsaOf = (record: ResourceRecord): Tlsa | undefined => {
  if (record.type !== 'TLSA') return undefined
  const { usage, selector, matchingType, certificate } = record.data
  return { usage, selector, matchingType, data: certificate }
}

const joined = (data: string | Buffer | (string | Buffer)[]): string =>
  Buffer.concat([data].flat().map((part) => (typeof part === 'string' ? Buffer.from(part) : part))).toString()
