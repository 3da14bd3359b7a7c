import type { Resolver } from '../core/index.ts'
import { Check, checkDirectives, DnsError, defineModule, failAction, flag, judge, SmtpError } from '../core/index.ts'

const fields = { check: 'require_mx_record' }

export default defineModule({
  name: 'require_mx_record',
  aliases: ['check.require_mx_record'],
  doc: 'Objects to senders whose domain has no MX record, or says that it takes no mail: no answer could reach them.',
  provides: [Check],
  config: {
    ...checkDirectives,
    fail_action: failAction().default('quarantine').doc('What becomes of mail from such a sender.'),
    debug: flag().inherit().default('no').doc('Verbose log.'),
  },
  create: ({ fail_action, timeout }, { dns }) => ({
    name: 'require_mx_record',
    timeout,
    begin: () => ({
      async sender(from, signal) {
        if (from === null) return undefined // a bounce has nobody to answer to
        const finding = from.domain === '' ? noDomain() : await findingOn(from.domain, dns, signal)
        return finding && judge(fail_action, finding)
      },
    }),
  }),
})

const noDomain = () => SmtpError.permanent(501, '5.1.8', 'No domain part in address', fields)

const findingOn = async (domain: string, dns: Resolver, signal: AbortSignal): Promise<SmtpError | undefined> => {
  const details = { ...fields, domain }
  // An address literal is no name to ask for.
  const records = domain.startsWith('[') ? [] : await exchangers(domain, dns, signal)
  if (records instanceof DnsError) {
    return SmtpError.temporary(450, '4.7.0', 'DNS error during policy check', { ...details, cause: records })
  }
  if (records.length === 0) {
    const reason = 'the domain has no MX records'
    return SmtpError.permanent(550, '5.7.0', 'DNS error during policy check', { ...details, reason })
  }
  if (!records.includes('')) return undefined
  return SmtpError.permanent(501, '5.7.27', 'Domain in MAIL FROM has null MX record', details) // RFC 7505 §4.2
}

const exchangers = async (
  domain: string,
  dns: Resolver,
  signal: AbortSignal,
): Promise<readonly string[] | DnsError> => {
  try {
    return (await dns.mx(domain, signal)).records.map(({ host }) => host)
  } catch (error) {
    if (error instanceof DnsError) return error
    throw error
  }
}
