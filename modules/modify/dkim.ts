import { ConfigError, DkimKeys, defineModule, Modifier } from '../../core/index.ts'
import { directives, inline, signsFrom } from './_dkim/directives.ts'
import { asciiForm, Domains } from './_dkim/domains.ts'
import { KeyFiles } from './_dkim/key_files.ts'
import { KeyTable } from './_dkim/key_table.ts'
import { Signer } from './_dkim/signer.ts'

export default defineModule({
  name: 'modify.dkim',
  doc: 'Signs messages with DKIM (RFC 6376), by the domain of their sender, and makes the keys for it.',
  provides: [Modifier, DkimKeys],
  kept: false, // a reload reads the keys anew
  inline: inline(),
  config: directives,
  create(config, context) {
    const listed = config.domains ?? config.inline?.domains
    const selector = config.selector ?? config.inline?.selector
    if (!listed) throw new ConfigError(context.at, 'dkim needs domains DOMAIN…')
    if (selector === undefined) throw new ConfigError(context.at, 'dkim needs selector SELECTOR')
    if (config.sign_subdomains && listed.length !== 1) {
      throw new ConfigError(context.at, 'sign_subdomains needs exactly one domain')
    }
    const { oversign_fields: oversign, sign_fields: sign, domain_table: table, sig_expiry: expiry } = config
    if (!signsFrom(oversign, sign)) {
      throw new ConfigError(context.at, 'From is neither in oversign_fields nor in sign_fields, and has to be signed')
    }
    if (config.store_keys_in_database && !table) {
      throw new ConfigError(context.at, 'store_keys_in_database needs domain_table')
    }
    const domains = new Domains({ listed, subdomains: config.sign_subdomains, open: table !== undefined })
    const spelling = (domain: string) => domains.spelling(domain)
    const dnsName = (domain: string) => {
      const name = `${selector}._domainkey.${spelling(domain)}`
      return asciiForm(name) ?? name
    }
    const path = (domain: string) =>
      context.path(
        config.key_path.replaceAll('{domain}', () => spelling(domain)).replaceAll('{selector}', () => selector),
      )
    const { log } = context
    return new Signer(
      {
        domains,
        selector,
        store:
          table && config.store_keys_in_database
            ? new KeyTable({ table, spelling, dnsName, expiry, log })
            : new KeyFiles({ path, dnsName, log }),
        table,
        newKeys: config.newkey_algo,
        signing: { fields: { oversign, sign }, header: config.header_canon, body: config.body_canon, expiry },
      },
      context,
    )
  },
})
