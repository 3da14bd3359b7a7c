import type { Resolver } from '../../../core/index.ts'
import { DnsError, SmtpError } from '../../../core/index.ts'
import { arpaName } from '../../../core/kit/dns/index.ts'
import type { Networks } from '../../../core/kit/proxy/index.ts'

/** Answers of a list. */
export interface Responses {
  readonly networks: Networks
  /** There are IPv6 addresses among them, for which a list has to be asked apart. */
  readonly ipv6: boolean
}

/** What some answers of a list mean. */
export interface Rule extends Responses {
  readonly score: number
  readonly message: string | undefined
}

/** A DNS list of clients, as it is used here (RFC 5782). */
export interface List {
  readonly zone: string
  /** Whether IPv4 and IPv6 addresses of clients, and the names in their greetings, are looked up. */
  readonly ipv4: boolean
  readonly ipv6: boolean
  readonly ehlo: boolean
  readonly score: number
  /** The answers that count for an address; null for any. Of no account where there are rules. */
  readonly responses: Responses | null
  readonly rules: readonly Rule[]
}

/** A client is listed. */
export interface Listing {
  readonly zone: string
  /** The address or name that is. */
  readonly identity: string
  readonly points: number
  readonly message: string | undefined
  /** What the list has to say of it. */
  readonly why: string
}

/** Who is looked up. */
export interface Client {
  readonly ip: string
  readonly helo: string
}

/**
 * Looks a client up: by its address, then by the name in its greeting. Undefined when it is not listed; an SmtpError when
 * the list cannot be asked.
 */
export const lookUp = async (
  list: List,
  client: Client,
  dns: Resolver,
  signal: AbortSignal,
): Promise<Listing | SmtpError | undefined> => {
  try {
    const byAddress = addressQuery(list, client.ip)
    const listed = byAddress ? await ask(list, client.ip, byAddress, list.responses, dns, signal) : undefined
    const byName = listed ? undefined : nameQuery(list, client.helo)
    return byName ? await ask(list, client.helo, byName, null, dns, signal) : listed
  } catch (cause) {
    if (!(cause instanceof DnsError)) throw cause
    const details = { check: 'dnsbl', list: list.zone, cause }
    return SmtpError.temporary(451, '4.7.0', 'DNS error during policy check', details)
  }
}

/** The name of an address in a list (RFC 5782 §2.1, §2.4); undefined when the list is not about such addresses. */
const addressQuery = ({ zone, ipv4, ipv6 }: List, ip: string): string | undefined => {
  const [, labels, family] = /^(.*)\.(in-addr|ip6)\.arpa$/.exec(arpaName(ip) ?? '') ?? []
  return (family === 'in-addr' && ipv4) || (family === 'ip6' && ipv6) ? `${labels}.${zone}` : undefined
}

/** The name of a name in a list (RFC 5782 §2.3); address literals are none. */
const nameQuery = ({ zone, ehlo }: List, helo: string): string | undefined =>
  ehlo && helo !== '' && !helo.startsWith('[') ? `${helo.replace(/\.$/, '')}.${zone}` : undefined

const ask = async (
  list: List,
  identity: string,
  query: string,
  accepted: Responses | null,
  dns: Resolver,
  signal: AbortSignal,
): Promise<Listing | undefined> => {
  const answers = await answersOf(list, query, dns, signal)
  const found = weigh(list, answers, accepted)
  if (!found) return undefined
  return { zone: list.zone, identity, ...found, why: await explain(query, answers, dns, signal) }
}

/** Lists answer with IPv4 addresses; IPv6 ones are asked for where the configuration tells what they mean. */
const answersOf = async (
  { responses, rules }: List,
  query: string,
  dns: Resolver,
  signal: AbortSignal,
): Promise<readonly string[]> => {
  const wantsIpv6 = rules.length > 0 ? rules.some(({ ipv6 }) => ipv6) : responses?.ipv6 === true
  const questions = [dns.a(query, signal), ...(wantsIpv6 ? [dns.aaaa(query, signal)] : [])]
  return (await Promise.all(questions)).flatMap(({ records }) => records)
}

/** What answers are worth; undefined when they do not mean that anybody is listed. */
const weigh = (
  { score, rules }: List,
  answers: readonly string[],
  accepted: Responses | null,
): Pick<Listing, 'points' | 'message'> | undefined => {
  if (rules.length === 0) {
    const counts = accepted ? answers.some((answer) => accepted.networks.has(answer)) : answers.length > 0
    return counts ? { points: score, message: undefined } : undefined
  }
  const hits = new Set(answers.flatMap((answer) => rules.filter(({ networks }) => networks.has(answer))))
  if (hits.size === 0) return undefined
  const sum = [...hits].reduce((points, rule) => points + rule.score, 0)
  return { points: sum === 0 ? score : sum, message: [...hits].find(({ message }) => message)?.message }
}

/** What the list says in words, or else the addresses it answered with. */
const explain = async (
  query: string,
  answers: readonly string[],
  dns: Resolver,
  signal: AbortSignal,
): Promise<string> => {
  const texts = await dns.txt(query, signal).then(
    ({ records }) => records,
    (error) => {
      if (error instanceof DnsError) return []
      throw error
    },
  )
  return (texts.length > 0 ? texts : answers).join('; ').slice(0, 1000)
}
