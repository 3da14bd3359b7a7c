import type { Answer as ResourceRecord } from 'dns-packet'

/** The types of records that are asked for. */
export type QueryType = 'A' | 'AAAA' | 'CNAME' | 'MX' | 'NS' | 'PTR' | 'SOA' | 'TLSA' | 'TXT'

/** What a server said to one question, or what is known of it by other means. */
export interface Reply {
  /** `NOERROR` or `NXDOMAIN`; anything else is thrown as DnsError. */
  readonly code: 'NOERROR' | 'NXDOMAIN'
  /** The answer section: aliases and what they lead to. */
  readonly answers: readonly ResourceRecord[]
  /** The authority section. */
  readonly authorities: readonly ResourceRecord[]
  readonly authentic: boolean
}

/** Asks for the records of a name, which is in A-labels, in lower case and without a final dot. Throws DnsError. */
export type Ask = (name: string, type: QueryType, signal?: AbortSignal) => Promise<Reply>

/** More aliases in a row than this are a mistake, or worse. */
const longestChain = 16

export interface Chain {
  /** The name that the aliases lead to. */
  readonly name: string
  /** The aliases on the way, and the records of that type at its end. */
  readonly aliases: readonly ResourceRecord[]
  readonly records: readonly ResourceRecord[]
}

/** Follows the aliases of an answer from the name that was asked for. */
export const follow = (answers: readonly ResourceRecord[], asked: string, type: QueryType): Chain => {
  let name = asked
  const aliases: ResourceRecord[] = []
  while (type !== 'CNAME' && aliases.length < longestChain) {
    const alias = answers.find((each) => each.type === 'CNAME' && bareName(each.name) === name)
    if (alias?.type !== 'CNAME' || aliases.includes(alias)) break
    aliases.push(alias)
    name = bareName(alias.data)
  }
  const records = answers.filter((each) => each.type === type && bareName(each.name) === name)
  return { name, aliases, records }
}

/** A name as names are compared: lower case, no final dot; the root is empty. */
export const bareName = (name: string): string => name.toLowerCase().replace(/\.$/, '')
