import { defineModule, ignored, Table } from '../../core/index.ts'
import { localPart } from './_localpart.ts'

export default defineModule({
  name: 'table.email_localpart',
  doc: 'Maps an address to its local part. A key that is no address is not found.',
  provides: [Table],
  config: {},
  inline: ignored(),
  create: () => ({
    async lookup(key) {
      const local = localPart(key)
      return local === undefined ? [] : [local]
    },
  }),
})
