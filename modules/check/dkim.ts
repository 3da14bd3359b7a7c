import type { AuthenticationResult, Verdict } from '../../core/index.ts'
import {
  Check,
  checkDirectives,
  Directive,
  defineModule,
  failAction,
  flag,
  judge,
  SmtpError,
  words,
} from '../../core/index.ts'
import { type DkimEngine, loadDkim, verifyDkim } from '../../core/kit/mail_auth/index.ts'

const fields = { check: 'dkim' }

const withoutEffect = (why: string) =>
  new Directive<undefined>({ args: 'custom: ignored', usage: '…' }, (node, scope) => {
    scope.warn(node.name.at, `${node.name.text} has no effect: ${why}`)
    return undefined
  })

export default defineModule({
  name: 'check.dkim',
  doc: 'Verifies DKIM signatures, and objects to messages without any, or with none that holds.',
  provides: [Check],
  config: {
    ...checkDirectives,
    required_fields: words('FIELD…').default('From Subject').doc('Fields that a signature has to cover to count.'),
    no_sig_action: failAction().default('ignore').doc('What becomes of messages without a signature.'),
    broken_sig_action: failAction().default('ignore').doc('What becomes of messages none of whose signatures holds.'),
    fail_open: flag()
      .default('no')
      .doc('Accept a message when DNS cannot tell the key of a signature, instead of asking to try again later.'),
    allow_body_subset: withoutEffect('a signature of a part of the body never counts').doc('Has no effect.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create({ timeout, required_fields: requiredFields, fail_open, no_sig_action, broken_sig_action }, { dns, log }) {
    let engine: DkimEngine | undefined
    const verdict = (results: readonly AuthenticationResult[]): Verdict => {
      const [first] = results
      if (!first) return { ...judge(no_sig_action, noSignature()), results: [{ method: 'dkim', value: 'none' }] }
      const unavailable = results.find(({ value }) => value === 'temperror')
      if (unavailable && !fail_open) return { reason: tryAgain(unavailable.reason), action: 'reject' }
      if (results.some(({ value }) => value === 'pass')) return { results }
      return { ...judge(broken_sig_action, noneHolds(first.reason)), results }
    }
    return {
      name: 'dkim',
      timeout,
      async start() {
        engine = await loadDkim()
      },
      begin: ({ id }) => ({
        async message(message, signal) {
          const results = await verifyDkim(message, dns, { requiredFields, signal, engine })
          for (const { value, reason, properties } of log.debugging ? results : []) {
            log.debug('signature', { msg_id: id, value, reason, ...properties })
          }
          return verdict(results)
        },
      }),
    }
  },
})

const noSignature = () => SmtpError.permanent(550, '5.7.20', 'No DKIM signatures', fields)

const noneHolds = (reason: string | undefined) =>
  SmtpError.permanent(550, '5.7.20', 'No passing DKIM signatures', { ...fields, reason })

const tryAgain = (reason: string | undefined) =>
  SmtpError.temporary(421, '4.7.20', 'Temporary error during DKIM verification', { ...fields, reason })
