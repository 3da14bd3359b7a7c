import type { Resolver } from '../dns/resolver.ts'
import { lazy } from '../lazy.ts'
import { type MailauthResolver, resolverFor } from './resolver.ts'

/** It takes long to load, and not every server needs it. */
const mailauth = lazy(() => import('mailauth/lib/spf/index.js'))

/** RFC 7208 §2.6. */
export type SpfValue = 'none' | 'neutral' | 'pass' | 'fail' | 'softfail' | 'temperror' | 'permerror'

/** Who is to be judged. */
export interface SpfIdentity {
  /** Address of the client, IPv4 or IPv6. */
  readonly ip: string
  /** The name it greeted with. */
  readonly helo: string
  /** `local@domain`, the domain in A-labels; null is `<>`, for which `postmaster` at the greeting stands (RFC 7208 §2.4). */
  readonly sender: string | null
}

export interface SpfOutcome {
  readonly value: SpfValue
  /** Why, where there is more to say than the value does. Short, printable ASCII. */
  readonly reason?: string
  /** Of `fail`: what the owner of the domain has to say (`exp`, RFC 7208 §6.2). Words of a stranger; printable ASCII. */
  readonly explanation?: string
}

/**
 * SPF (RFC 7208) by mailauth, which reads records strictly: a syntax error anywhere in one is a permerror. At most ten terms
 * that ask DNS, at most two of them in vain (§4.6.4), and no record above 4096 bytes. Rejects with the reason of the signal once that aborts, and with
 * nothing else that can be foreseen.
 */
export const evaluateSpf = async (
  { ip, helo, sender }: SpfIdentity,
  dns: Resolver,
  signal: AbortSignal,
): Promise<SpfOutcome> => {
  const { spf } = await mailauth()
  const greeting = withoutDot(helo)
  const { status, explanation, ...details } = await spf({
    ip,
    helo: greeting,
    sender: sender === null ? '' : withoutDot(sender),
    mta: receiver,
    resolver: withinLength(resolverFor(dns, signal)),
    strict: true,
  })
  signal.throwIfAborted()
  const value = known(status.result)
  const reason = reasonOf(value, status.comment, details['envelope-from'] ?? '')
  return {
    value,
    ...(reason !== '' && { reason: printable(reason) }),
    ...(explanation !== undefined && { explanation: printable(explanation) }),
  }
}

/** Of a record or an explanation, characters. One that DNS carries easily has 450 (RFC 7208 §3.4). */
const longest = 4096

/** Some of what mailauth does with a text takes time with the square of its length, and a stranger wrote it. */
const withinLength =
  (resolver: MailauthResolver): MailauthResolver =>
  async (name, type) => {
    const records = await resolver(name, type)
    if (type !== 'TXT') return records
    const texts = records.map((record) => [record].flat().join(''))
    if (texts.some((text) => text.length > longest && /^v=spf1(?: |$)/i.test(text))) throw new RecordTooLong()
    return texts.filter((text) => text.length <= longest).map((text) => [text])
  }

/** Tells mailauth what comes of it, in the way that its own errors do. */
class RecordTooLong extends Error {
  override readonly name = 'RecordTooLong'
  readonly spfResult = { error: 'permerror', text: 'the record is too long' }
}

/** What `%{r}` expands to where a server does not want to tell its name (RFC 7208 §7.3). */
const receiver = 'unknown'

const values: readonly SpfValue[] = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror']

const known = (result: string): SpfValue => {
  const value = values.find((each) => each === result)
  if (!value) throw new Error(`SPF has no result ${result}`)
  return value
}

/** mailauth tells what went wrong at the end of a sentence about the sender; of what matched it tells nothing. */
const reasonOf = (value: SpfValue, comment: string | undefined, sender: string): string => {
  if (value === 'none') return 'no DNS record found'
  const error = { temperror: 'error', permerror: 'permanent error' }[value as string]
  const start = `${receiver}: ${error} in processing during lookup of ${sender}: `
  if (!error || !comment?.startsWith(start)) return ''
  const text = comment.slice(start.length)
  return maddyTexts.find(({ mailauth }) => mailauth.test(text))?.maddy ?? text
}

const maddyTexts = [
  { mailauth: /^Too many DNS requests/, maddy: 'lookup limit reached' },
  { mailauth: /^Too many void DNS results/, maddy: 'void lookup limit reached' },
  { mailauth: /^multiple SPF records found/, maddy: 'multiple matching DNS records' },
]

const withoutDot = (domain: string): string => domain.replace(/\.$/, '')

/** Parts of it are a stranger's, who may have much to say. */
const printable = (text: string): string => text.replace(/[^ -~]+/g, '?').slice(0, 400)
