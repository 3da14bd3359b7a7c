import { defineModule, ignored, Table } from '../../core/index.ts'

export default defineModule({
  name: 'table.identity',
  doc: 'A table in which every key stands for itself.',
  provides: [Table],
  config: {},
  inline: ignored(),
  create: () => ({ lookup: async (key) => [key] }),
})
