import { defineModule, ignored, MultiTable, Table, words } from '../../core/index.ts'

/** A table written out in the configuration: a few aliases, a postmaster, a test. */
export default defineModule({
  name: 'table.static',
  doc: 'A table whose entries are written in the configuration itself.',
  provides: [Table, MultiTable],
  config: {
    entry: words('KEY VALUE…', 2).many().doc('A key, and the values it maps to. A key given again replaces the first.'),
  },
  inline: ignored(),
  create({ entry }) {
    const values = new Map(entry.map(([key, ...values]) => [key, values]))
    return { lookup: async (key) => values.get(key) ?? [] }
  },
})
