import type { Delivery } from '../core/index.ts'
import { Auth, defineModule, ignored, MultiTable, Table, Target } from '../core/index.ts'

/** Takes everything and keeps nothing. */
const delivery: Delivery = {
  recipient: async () => {},
  message: async () => new Map(),
  commit: async () => {},
  [Symbol.asyncDispose]: async () => {},
}

export default defineModule({
  name: 'dummy',
  doc: 'Accepts every login and every message, which it discards; knows no key. For tests and as a placeholder.',
  provides: [Auth, Table, MultiTable, Target],
  config: {},
  inline: ignored(),
  create: () => ({
    verify: async () => true,
    lookup: async () => [],
    begin: async () => delivery,
  }),
})
