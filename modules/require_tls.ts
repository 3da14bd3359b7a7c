import { Check, checkDirectives, defineModule, failAction, flag, judge, SmtpError } from '../core/index.ts'

export default defineModule({
  name: 'require_tls',
  aliases: ['check.require_tls'],
  doc: 'Objects to mail that does not come over TLS, mail made on this machine included.',
  provides: [Check],
  config: {
    ...checkDirectives,
    fail_action: failAction().default('reject').doc('What becomes of such mail.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create: ({ fail_action, timeout }) => ({
    name: 'require_tls',
    timeout,
    begin: ({ origin }) => ({
      async connection() {
        if (origin.tls) return undefined
        const finding = SmtpError.permanent(550, '5.7.1', 'TLS conversation required', { check: 'require_tls' })
        return judge(fail_action, finding)
      },
    }),
  }),
})
