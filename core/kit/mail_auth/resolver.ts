import type { Answer } from '../dns/resolver.ts'
import { DnsError, type Resolver } from '../dns/resolver.ts'

/** What mailauth asks DNS with; it behaves as `dns.promises.resolve` does. The type is mailauth's, which forgets MX. */
export type MailauthResolver = (name: string, type: string) => Promise<string[][] | string[]>

/** DNS gave no answer of use. `code` is one of those that `dns.promises.resolve` fails with, which is what mailauth reads. */
export class LookupError extends Error {
  override readonly name = 'LookupError'
  readonly code: 'ENODATA' | 'ENOTFOUND' | 'ETIMEOUT' | 'ESERVFAIL'

  constructor(code: LookupError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * Lookups for mailauth: records of type A, AAAA, CNAME, MX, NS, PTR or TXT, the last as lists of strings. Rejects with
 * LookupError: `ENOTFOUND` for a name that does not exist, `ENODATA` for one without such records, `ETIMEOUT` or `ESERVFAIL`
 * where another try may help; with the signal's reason once that has aborted. mailauth takes whatever it does not know for a
 * temporary failure, so callers look at the signal again when it is done.
 */
export const resolverFor =
  (dns: Resolver, signal?: AbortSignal): MailauthResolver =>
  async (name, type) => {
    signal?.throwIfAborted()
    const { records, nonexistent } = await lookup(dns, name, type, signal).catch((error: unknown) => {
      signal?.throwIfAborted()
      if (!(error instanceof DnsError)) throw error
      const code = error.code === 'timeout' ? 'ETIMEOUT' : 'ESERVFAIL'
      throw new LookupError(code, `${type} ${name}: ${error.code}`, { cause: error })
    })
    if (records.length > 0) return [...records] as string[]
    throw nonexistent
      ? new LookupError('ENOTFOUND', `${type} ${name}: no such name`)
      : new LookupError('ENODATA', `${type} ${name}: no such records`)
  }

/** Asks each question once, and gives the same answer to whoever asks it again. For one message: it forgets nothing. */
export const remembering = (resolver: MailauthResolver): MailauthResolver => {
  const answers = new Map<string, ReturnType<MailauthResolver>>()
  return (name, type) => {
    const question = `${type} ${name}`
    const answer = answers.get(question) ?? resolver(name, type)
    answers.set(question, answer)
    return answer
  }
}

const lookup = async (
  dns: Resolver,
  name: string,
  type: string,
  signal?: AbortSignal,
): Promise<Answer<string | string[] | { readonly exchange: string; readonly priority: number }>> => {
  switch (type) {
    case 'A':
      return dns.a(name, signal)
    case 'AAAA':
      return dns.aaaa(name, signal)
    case 'CNAME':
      return dns.canonical(name, signal)
    case 'NS':
      return dns.ns(name, signal)
    case 'PTR':
      return dns.reverse(addressOf(name), signal)
    case 'TXT': {
      const answer = await dns.txt(name, signal)
      return { ...answer, records: answer.records.map((text) => [text]) }
    }
    case 'MX': {
      const answer = await dns.mx(name, signal)
      return {
        ...answer,
        records: answer.records.map(({ host, preference }) => ({ exchange: host, priority: preference })),
      }
    }
    default:
      throw new RangeError(`no lookups of type ${type}`)
  }
}

/** The address whose reverse name this is; what is none comes back as it is, and is no address to the resolver either. */
const addressOf = (name: string): string => {
  const bare = name.toLowerCase().replace(/\.$/, '')
  const four = /^([\d.]+)\.in-addr\.arpa$/.exec(bare)?.[1]
  if (four !== undefined) return four.split('.').reverse().join('.')
  const six = /^((?:[\da-f]\.){32})ip6\.arpa$/.exec(bare)?.[1]
  if (six === undefined) return name
  const digits = six.replaceAll('.', '').split('').reverse().join('')
  return digits.replace(/(.{4})(?!$)/g, '$1:')
}
