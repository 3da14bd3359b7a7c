import { chained, defineModule, ignored, Modifier, useAll } from '../core/index.ts'

/** Several modifiers under one name, for more than one pipeline to use. */
export default defineModule({
  name: 'modifiers',
  doc: 'A group of modifiers. Each works on what the one before it has made of the message.',
  provides: [Modifier],
  inline: ignored(),
  config: {},
  lines: useAll(Modifier),
  create: ({ lines: modifiers = [] }) => chained(modifiers),
})
