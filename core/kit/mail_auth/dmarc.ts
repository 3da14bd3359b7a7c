import type { Resolver } from '../dns/resolver.ts'
import { lazy } from '../lazy.ts'
import type { Header } from '../message/message.ts'
import { SmtpError } from '../smtp/error.ts'
import { authorsOf } from './dmarc_author.ts'
import { type MailauthResolver, remembering, resolverFor } from './resolver.ts'
import type { AuthenticationResult } from './result.ts'

/** It takes long to load, and not every server needs it. */
const mailauth = lazy(() => import('mailauth/lib/dmarc/index.js'))

/** What the domain of an author asks to be done with mail that is not its own. */
export type DmarcPolicy = 'none' | 'quarantine' | 'reject'

export interface DmarcVerdict {
  /** For Authentication-Results: method `dmarc`, with `header.from` where the author is known. */
  readonly result: AuthenticationResult
  /** What is to be done: `quarantine` marks the message, `reject` refuses it with `error`; nothing with `none`. */
  readonly policy: DmarcPolicy
  /** Set unless `policy` is `none`: 550 5.7.1, or 450 4.7.1 when another try may end better. Its fields are for the log. */
  readonly error?: SmtpError
}

/**
 * DMARC (RFC 9989), once all checks of the body are done. `results` are theirs: `spf` with `smtp.mailfrom` or, for the null
 * sender, `smtp.helo`; `dkim` with `header.d`; and `arc`, which with the value `pass` and `policy.trusted=yes` keeps a
 * policy from being applied (RFC 8617 §7.2.1). A policy that DNS does not tell is taken for `reject`, with 450 4.7.1.
 * Rejects with the reason of the signal once that aborts, and with nothing else that can be foreseen.
 */
export const evaluateDmarc = async (
  { header, results }: { readonly header: Header; readonly results: readonly AuthenticationResult[] },
  dns: Resolver,
  signal: AbortSignal,
): Promise<DmarcVerdict> => {
  const authors = authorsOf(header)
  if ('problem' in authors) return unusable(authors.problem)
  const find = await finderOf(authors.domains, remembering(resolverFor(dns, signal)))
  const verdict = await judged(find, results)
  signal.throwIfAborted()
  return verdict
}

/**
 * The policy that would apply to mail of this author that fails DMARC: that of its own domain or of one above it, as test
 * mode and existence leave it. Undefined when there is none, and when none can be had: because of the From field, or of DNS.
 * Rejects with the reason of the signal once that aborts.
 */
export const publishedPolicy = async (
  header: Header,
  dns: Resolver,
  signal: AbortSignal,
): Promise<DmarcPolicy | undefined> => {
  const authors = authorsOf(header)
  if ('problem' in authors) return undefined
  const find = await finderOf(authors.domains, resolverFor(dns, signal))
  const { response } = await find({})
  signal.throwIfAborted()
  return response && response.status.result === 'fail' ? policyOf(response.policy) : undefined
}

interface Identities {
  readonly spf?: readonly string[]
  readonly dkim?: readonly string[]
}

/** What mailauth finds out, as far as it is of use here. */
interface Finding {
  readonly status: { readonly result: string; readonly header?: { readonly from?: string } }
  /** What applies; missing when there is no record, or none could be had. Where existence could not be told, the weaker one. */
  readonly policy?: string
  readonly sp?: string
  readonly np?: string
  readonly error?: string
}

type Finder = (identities: Identities) => Promise<{ readonly response: Finding | false; readonly reason?: string }>

/** mailauth for one message. Strict is how RFC 9989 reads a record; otherwise it makes allowances for faulty ones. */
const finderOf = async (authors: readonly string[], resolver: MailauthResolver): Promise<Finder> => {
  const { evaluateDmarc: evaluate } = await mailauth()
  return ({ spf = [], dkim = [] }) => {
    const dkimDomains = dkim.map((domain) => ({ domain }))
    return evaluate({
      headerFrom: [...authors],
      fromFields: 1,
      spfDomains: [...spf],
      dkimDomains,
      resolver,
      strict: true,
    })
  }
}

const judged = async (find: Finder, results: readonly AuthenticationResult[]): Promise<DmarcVerdict> => {
  const passing = { spf: domains(results, 'spf', 'pass'), dkim: domains(results, 'dkim', 'pass') }
  const { response: finding, reason } = await find(passing)
  if (!finding) {
    const several = reason === 'multiple-author-domains'
    return unusable(several ? 'multiple addresses in From field are not allowed' : 'malformed From header field')
  }
  const { status, policy } = finding
  const conclude = (value: string, why = '', applied: DmarcPolicy = 'none') =>
    conclusion(dmarcResult(value, why, status.header?.from), applied, results)

  if (status.result === 'temperror' && policy === undefined) {
    return conclude('temperror', `Policy lookup failed: ${finding.error ?? 'DNS error'}`, 'reject')
  }
  if (status.result === 'none') return conclude('none')
  if (!results.some(({ method }) => method === 'dkim') || !results.some(({ method }) => method === 'spf')) {
    return conclude('none', 'Not enough information (required checks are disabled)')
  }
  if (status.result === 'pass') return conclude('pass')
  const doubt = await doubtAbout(finding, find, results)
  const [value, why] = doubt === undefined ? ['fail', 'No aligned identifiers'] : ['temperror', doubt]
  if (results.some(isTrustedChain)) return conclude(value, `${why}; a trusted ARC chain passes`)
  return conclude(value, why, status.result === 'temperror' ? strongest(finding) : policyOf(policy))
}

/** Why another try may end better than this one, in which nothing that is aligned has passed. */
const doubtAbout = async (
  finding: Finding,
  find: Finder,
  results: readonly AuthenticationResult[],
): Promise<string | undefined> => {
  const dkim = domains(results, 'dkim', 'temperror')
  if (dkim.length > 0) {
    const { response } = await find({ dkim })
    if (response && response.status.result === 'pass') return 'DKIM authentication temp error'
  }
  if (results.some(({ method, value }) => method === 'spf' && value === 'temperror')) {
    return 'SPF authentication temp error'
  }
  return finding.status.result === 'temperror' ? `Alignment lookup failed: ${finding.error ?? 'DNS error'}` : undefined
}

/** RFC 8617 §7.2.1: who the administrator trusts has seen the message before something on its way broke it. */
const isTrustedChain = ({ method, value, properties }: AuthenticationResult): boolean =>
  method === 'arc' && value === 'pass' && properties?.['policy.trusted'] === 'yes'

/** The domains that a method has vouched for; that of the greeting where there is no sender (RFC 7208 §2.4). */
const domains = (results: readonly AuthenticationResult[], method: string, value: string): string[] =>
  results
    .filter((each) => each.method === method && each.value === value)
    .map(({ properties = {} }) =>
      method === 'dkim' ? properties['header.d'] : properties['smtp.mailfrom'] || properties['smtp.helo'],
    )
    .filter((domain) => domain !== undefined)
    .filter((domain) => domain !== '')

const policyOf = (written: string | undefined): DmarcPolicy =>
  written === 'reject' || written === 'quarantine' ? written : 'none'

/** What may apply where DNS did not tell all; a message that fails is not let in by a name server that is down. */
const strongest = ({ policy, sp, np }: Finding): DmarcPolicy => {
  const possible = np === undefined ? [policy] : [policy, sp, np]
  return policyOf(['reject', 'quarantine'].find((each) => possible.includes(each)))
}

const dmarcResult = (value: string, reason: string, from: string | undefined): AuthenticationResult => ({
  method: 'dmarc',
  value,
  ...(reason !== '' && { reason }),
  ...(from !== undefined && { properties: { 'header.from': from } }),
})

/** Without an author there is nobody to ask, and no policy. */
const unusable = (problem: string): DmarcVerdict => ({
  result: dmarcResult('permerror', `Policy lookup failed: dmarc: ${problem}`, undefined),
  policy: 'none',
})

const conclusion = (
  result: AuthenticationResult,
  policy: DmarcPolicy,
  results: readonly AuthenticationResult[],
): DmarcVerdict => {
  if (policy === 'none') return { result, policy }
  const dkim = results.find(({ method }) => method === 'dkim')
  const spf = results.find(({ method }) => method === 'spf')
  const details = {
    check: 'dmarc',
    reason: result.reason,
    dkim_res: dkim?.value,
    dkim_domain: dkim?.properties?.['header.d'],
    spf_res: spf?.value,
    spf_from: spf?.properties?.['smtp.mailfrom'],
  }
  const text = 'DMARC check failed'
  const error =
    result.value === 'temperror'
      ? SmtpError.temporary(450, '4.7.1', text, details)
      : SmtpError.permanent(550, '5.7.1', text, details)
  return { result, policy, error }
}
