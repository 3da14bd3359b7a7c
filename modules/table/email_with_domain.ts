import { ConfigError, custom, defineModule, MultiTable, quoted, Table } from '../../core/index.ts'
import { quoteLocal, validDomain } from '../../core/kit/address/index.ts'

export default defineModule({
  name: 'table.email_with_domain',
  doc: 'Makes addresses: the key, quoted if need be, at each of the domains.',
  provides: [Table, MultiTable],
  config: {},
  inline: custom({ args: '1 or more: domains', usage: 'DOMAIN…' }, (words) => {
    for (const { text, at } of words) {
      if (!validDomain(text)) throw new ConfigError(at, `${quoted(text)} is no domain`)
    }
    return words.map(({ text }) => text)
  }),
  create({ inline: domains = [] }, { at }) {
    if (domains.length === 0) throw new ConfigError(at, 'email_with_domain needs a domain after its name')
    return { lookup: async (key) => domains.map((domain) => `${quoteLocal(key)}@${domain}`) }
  },
})
