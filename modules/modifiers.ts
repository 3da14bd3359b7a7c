import { chained, Directive, DkimKeys, defineModule, ignored, Modifier, useAll } from '../core/index.ts'

/** Modifiers, and those among them that sign for domains. */
const modifiers = () => {
  const each = useAll(Modifier)
  return new Directive<{ all: readonly Modifier[]; keys: readonly DkimKeys[] } | undefined>(
    each.shape,
    async (node, scope) => {
      const all = (await each.readOne(node, scope)) as readonly Modifier[]
      return { all, keys: all.filter((one) => scope.provides(one, DkimKeys)) as unknown as readonly DkimKeys[] }
    },
  )
}

/** Several modifiers under one name, for more than one pipeline to use. */
export default defineModule({
  name: 'modifiers',
  doc: 'A group of modifiers. Each works on what the one before it has made of the message.',
  provides: [Modifier, DkimKeys],
  inline: ignored(),
  config: {},
  lines: modifiers(),
  create({ lines }) {
    const [first] = lines?.keys ?? []
    return {
      ...chained(lines?.all ?? []),
      /** The first that signs is that of the domain; without any, no mail from here is signed. */
      ensure: async (domain: string) => first?.ensure(domain),
    }
  },
})
