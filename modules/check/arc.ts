import {
  Check,
  ConfigError,
  checkDirectives,
  custom,
  defineModule,
  everyWord,
  failAction,
  flag,
  judge,
  SmtpError,
} from '../../core/index.ts'
import { domainForLookup, validDomain } from '../../core/kit/address/index.ts'
import { type DkimEngine, loadDkim, verifyArc } from '../../core/kit/mail_auth/index.ts'

const fields = { check: 'arc' }

const domains = () =>
  custom({ args: 'strings', usage: 'DOMAIN…' }, (words, { name }) => {
    if (words.length === 0) throw new ConfigError(name.at, `${name.text} needs DOMAIN…`)
    return everyWord(words, (written) => {
      if (!validDomain(written)) throw new RangeError(`${JSON.stringify(written)} is no domain`)
      return domainForLookup(written)
    })
  })

export default defineModule({
  name: 'check.arc',
  doc: 'Validates the chain of seals (ARC) that forwarders and mailing lists put on a message.',
  provides: [Check],
  config: {
    ...checkDirectives,
    fail_action: failAction().default('ignore').doc('What becomes of messages whose chain is broken.'),
    trusted_sealers: domains().doc(
      'Domains whose seals are believed: where they say that DMARC had passed, its policy is not applied here.',
    ),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create({ timeout, fail_action, trusted_sealers: trustedSealers = [] }, { dns, log }) {
    let engine: DkimEngine | undefined
    return {
      name: 'arc',
      timeout,
      async start() {
        engine = await loadDkim()
      },
      begin: ({ id, origin }) => ({
        async message(message, signal) {
          const peer = origin.peer?.ip
          const { result, temporary } = await verifyArc(message, dns, { trustedSealers, peer, signal, engine })
          log.debug('chain', { msg_id: id, value: result.value, reason: result.reason, ...result.properties })
          if (temporary) return { reason: tryAgain(result.reason), action: 'reject', results: [result] }
          if (result.value !== 'fail') return { results: [result] }
          return { ...judge(fail_action, broken(result.reason)), results: [result] }
        },
      }),
    }
  },
})

/** RFC 8617 §5.2.2. */
const broken = (reason: string | undefined) =>
  SmtpError.permanent(550, '5.7.29', 'ARC validation failure', { ...fields, reason })

/** What DMARC would refuse for good might be vouched for by someone trusted, if only DNS could tell. */
const tryAgain = (reason: string | undefined) =>
  SmtpError.temporary(451, '4.7.29', 'Temporary error during ARC validation', { ...fields, reason })
