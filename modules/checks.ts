import { Check, Checks, defineModule, ignored, useAll } from '../core/index.ts'

/** Several checks under one name, for more than one pipeline to use. */
export default defineModule({
  name: 'checks',
  doc: 'A group of checks, which look at a message at the same time.',
  provides: [Checks],
  inline: ignored(),
  config: {},
  lines: useAll(Check),
  create: ({ lines: checks = [] }) => ({ checks }),
})
