import { defineModule, ignored, Table } from '../../core/index.ts'
import { localPart } from './_localpart.ts'

export default defineModule({
  name: 'table.email_localpart_optional',
  doc: 'Maps an address to its local part, and any other key to itself.',
  provides: [Table],
  config: {},
  inline: ignored(),
  create: () => ({ lookup: async (key) => [localPart(key) ?? key] }),
})
