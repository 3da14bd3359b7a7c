import type { Answer as ResourceRecord } from 'dns-packet'
import { toAscii } from '../address/domain.ts'
import { arpaName } from './arpa.ts'
import { Lookups } from './lookups.ts'
import type { QueryType, Reply } from './query.ts'
import { bareName } from './query.ts'
import type { Resolver } from './resolver.ts'
import { DnsError } from './resolver.ts'

/** The records of a name, as a zone file has them: `MX: ['10 mx.example.']`. What is not there, the name does not have. */
export interface Records {
  readonly A?: readonly string[]
  readonly AAAA?: readonly string[]
  readonly MX?: readonly string[]
  readonly NS?: readonly string[]
  readonly PTR?: readonly string[]
  readonly CNAME?: string
  /** Each string is a record; a list is one of several strings. */
  readonly TXT?: readonly (string | readonly string[])[]
  /** `3 1 1 HEX`. */
  readonly TLSA?: readonly string[]
  /** Whether answers about the name are authentic. */
  readonly authentic?: boolean
  /** The code every question about the name fails with, such as `SERVFAIL` or `timeout`. */
  readonly fails?: string
}

/** By name; the records of an IP address are those of its reverse name. */
export type Zone = Readonly<Record<string, Records>>

/** DNS in memory, for tests: a name that is not given does not exist. */
export const zone = (records: Zone): Resolver => new Lookups(async (name, type) => answerFrom(records)(name, type))

/** Answers single questions from such records. Throws DnsError where they say so. */
export const answerFrom = (records: Zone): ((name: string, type: QueryType) => Reply) => {
  const names = new Map(
    Object.entries(records).map(([name, each]) => [arpaName(name) ?? bareName(toAscii(name)), each]),
  )
  return (asked, type) => {
    const answers: ResourceRecord[] = []
    let authentic = true
    for (let name = bareName(asked), hops = 0; ; hops++) {
      const found = names.get(name)
      if (found?.fails !== undefined) throw new DnsError(found.fails, `${name}: ${found.fails}`)
      authentic &&= found?.authentic === true
      if (!found && ![...names.keys()].some((other) => other.endsWith(`.${name}`))) {
        return { code: 'NXDOMAIN', answers, authorities: [], authentic }
      }
      answers.push(...recordsOf(name, type, found ?? {}))
      if (found?.CNAME === undefined || type === 'CNAME' || hops > 16) {
        return { code: 'NOERROR', answers, authorities: [], authentic }
      }
      name = bareName(toAscii(found.CNAME))
    }
  }
}

const recordsOf = (name: string, type: QueryType, records: Records): ResourceRecord[] => {
  if (records.CNAME !== undefined) return [{ type: 'CNAME', name, ttl, data: toAscii(records.CNAME) }]
  switch (type) {
    case 'A':
    case 'AAAA':
    case 'NS':
    case 'PTR':
      return (records[type] ?? []).map((data) => ({ type, name, ttl, data }))
    case 'MX':
      return (records.MX ?? []).map((text) => {
        const [preference, exchange = '.'] = text.split(' ')
        return { type, name, ttl, data: { preference: Number(preference), exchange } }
      })
    case 'TXT':
      return (records.TXT ?? []).map((data) => ({ type, name, ttl, data: [data].flat() }))
    case 'TLSA':
      return (records.TLSA ?? []).map((text) => {
        const [usage, selector, matchingType, hex = ''] = text.split(' ')
        const certificate = Buffer.from(hex, 'hex')
        const data = {
          usage: Number(usage),
          selector: Number(selector),
          matchingType: Number(matchingType),
          certificate,
        }
        return { type, name, ttl, data }
      })
    default:
      return []
  }
}

/** Seconds. */
const ttl = 300
