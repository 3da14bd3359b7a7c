import type { Address } from '../../core/index.ts'
import { defineModule, Modifier } from '../../core/index.ts'
import { given, Replacer, replacements } from './_replace.ts'

export default defineModule({
  name: 'modify.replace_sender',
  doc: 'Replaces the sender by the first value that a table has for it: for the address, or else for its local part.',
  provides: [Modifier],
  inline: replacements().doc('A table of addresses or local parts in lower case, and what stands for them.'),
  inlineTakesBlock: true,
  config: {},
  create({ inline }, { at }) {
    const replacer = new Replacer(given(inline, 'replace_sender', at), 'replace_sender')
    const modification = {
      sender: async (from: Address | null) => (await replacer.replace(from))?.[0] ?? from,
    }
    return { begin: () => modification }
  },
})
