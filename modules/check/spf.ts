import type { AuthenticationResult, Envelope, FailAction, Inspection, Verdict } from '../../core/index.ts'
import { Check, checkDirectives, defineModule, failAction, flag, ignored, judge, SmtpError } from '../../core/index.ts'
import { orAbort } from '../../core/kit/abort.ts'
import { domainForLookup, splitAddress, toAscii } from '../../core/kit/address/index.ts'
import type { SpfIdentity, SpfOutcome, SpfValue } from '../../core/kit/mail_auth/index.ts'
import { evaluateSpf, publishedPolicy } from '../../core/kit/mail_auth/index.ts'

export default defineModule({
  name: 'check.spf',
  doc: 'Asks the domain of the sender whether this client may use it (SPF, RFC 7208).',
  provides: [Check],
  inline: ignored(),
  config: {
    ...checkDirectives,
    debug: flag().inherit().default('no').doc('Verbose log.'),
    enforce_early: flag()
      .default('no')
      .doc('Acts on the result at once, whether or not the author of the message has a DMARC policy.'),
    none_action: failAction().default('ignore').doc('For domains that say nothing.'),
    neutral_action: failAction().default('ignore').doc('For domains that do not want to say.'),
    fail_action: failAction().default('quarantine').doc('For clients that may not use the domain.'),
    softfail_action: failAction().default('ignore').doc('For clients that most likely may not use the domain.'),
    permerr_action: failAction().default('ignore').doc('For domains whose records are wrong.'),
    temperr_action: failAction().default('ignore').doc('For domains whose DNS does not answer.'),
  },
  create(config, { dns, log }) {
    const actions: Readonly<Record<Objection, FailAction>> = {
      none: config.none_action,
      neutral: config.neutral_action,
      fail: config.fail_action,
      softfail: config.softfail_action,
      permerror: config.permerr_action,
      temperror: config.temperr_action,
    }
    const verdict = (outcome: SpfOutcome, who: Who): Verdict => {
      const results = [resultOf(outcome, who)]
      const { value } = outcome
      return value === 'pass' ? { results } : { ...judge(actions[value], reasonOf(value, outcome)), results }
    }

    const begin = (envelope: Envelope): Inspection => {
      const who = whoIs(envelope)
      if (who === undefined) return {}
      if (who === 'malformed') return { connection: async () => malformed() }
      if (config.enforce_early) {
        return { connection: async (signal) => verdict(await evaluateSpf(who.identity, dns, signal), who) }
      }
      const ended = new AbortController()
      let evaluation: Promise<SpfOutcome> | undefined
      let known = false
      const settled = () => {
        known = true
      }
      const evaluate = (): Promise<SpfOutcome> => {
        if (!evaluation) {
          evaluation = evaluateSpf(who.identity, dns, ended.signal)
          evaluation.then(settled, settled) // who asks for the outcome hears of a failure
        }
        return evaluation
      }
      return {
        // The answers come in while the client sends the message.
        async connection() {
          evaluate()
          return undefined
        },
        async message({ header }, signal) {
          const found = verdict(await orAbort(evaluate(), signal), who)
          if (!found.reason || found.action === 'ignore') return found
          const policy = await publishedPolicy(header, dns, signal)
          if (policy === undefined || policy === 'none') return found
          log.with({ msg_id: envelope.id }).debug('left to DMARC', { spf_res: found.results?.[0]?.value, policy })
          return { ...found, action: 'ignore' }
        },
        async [Symbol.asyncDispose]() {
          if (!known) ended.abort(new Error('the message is gone'))
        },
      }
    }
    return { name: 'spf', timeout: config.timeout, begin }
  },
})

type Objection = Exclude<SpfValue, 'pass'>

/** Whom DNS is asked about, and the sender's domain for Authentication-Results; empty for `<>`. */
interface Who {
  readonly identity: SpfIdentity
  readonly domain: string
}

/** Undefined for what no SMTP client brought: a Unix socket has no address that a record could name. */
const whoIs = ({ origin, originalReversePath }: Envelope): Who | 'malformed' | undefined => {
  const { protocol, helo, peer } = origin
  if (protocol === null || peer === null) return undefined
  const { ip } = peer
  if (originalReversePath === '') return { identity: { ip, helo, sender: null }, domain: '' }
  try {
    const { local, domain } = splitAddress(originalReversePath)
    const ascii = toAscii(domainForLookup(domain))
    return { identity: { ip, helo, sender: `${local}@${ascii}` }, domain: ascii }
  } catch {
    return 'malformed'
  }
}

const malformed = (): Verdict => ({
  action: 'reject',
  reason: SmtpError.permanent(550, '5.1.7', 'Malformed address', { check: 'spf' }),
})

const resultOf = ({ value, reason }: SpfOutcome, { identity, domain }: Who): AuthenticationResult => ({
  method: 'spf',
  value,
  ...(reason !== undefined && { reason }),
  properties: { 'smtp.helo': identity.helo, 'smtp.mailfrom': domain },
})

const texts: Readonly<Record<Exclude<Objection, 'temperror'>, string>> = {
  none: 'No SPF policy',
  neutral: 'Neutral SPF result is not permitted',
  fail: 'SPF authentication failed',
  softfail: 'SPF authentication soft-failed',
  permerror: 'SPF authentication failed with a permanent error',
}

const reasonOf = (value: Objection, { reason, explanation }: SpfOutcome): SmtpError => {
  const details = {
    check: 'spf',
    ...(reason !== undefined && { reason }),
    ...(explanation !== undefined && { explanation }),
  }
  if (value === 'temperror') {
    return SmtpError.temporary(451, '4.7.23', 'SPF authentication failed with a temporary error', details)
  }
  return SmtpError.permanent(550, '5.7.23', texts[value], details)
}
