import type { Origin } from '../core/index.ts'
import { Check, checkDirectives, defineModule, failAction, flag, judge, SmtpError } from '../core/index.ts'
import { sameDomain } from '../core/kit/address/index.ts'

export default defineModule({
  name: 'require_matching_rdns',
  aliases: ['check.require_matching_rdns'],
  doc: 'Objects to clients that do not greet with the name their address has in the DNS.',
  provides: [Check],
  config: {
    ...checkDirectives,
    fail_action: failAction().default('quarantine').doc('What becomes of mail from such a client.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create: ({ fail_action, timeout }) => ({
    name: 'require_matching_rdns',
    timeout,
    begin: ({ origin }) => ({
      async connection() {
        const finding = findingOn(origin)
        return finding && judge(fail_action, finding)
      },
    }),
  }),
})

const findingOn = ({ protocol, rdns, helo }: Origin): SmtpError | undefined => {
  if (protocol === null) return undefined // made on this machine
  const fields = { check: 'require_matching_rdns' }
  if (rdns === null) {
    const reason = 'the name of the client could not be looked up'
    return SmtpError.temporary(450, '4.7.25', 'DNS error during policy check', { ...fields, reason })
  }
  if (rdns === '') return SmtpError.permanent(550, '5.7.25', 'No PTR record found', fields)
  if (sameDomain(rdns, helo)) return undefined
  return SmtpError.permanent(550, '5.7.25', 'rDNS name does not match source hostname', { ...fields, rdns, helo })
}
