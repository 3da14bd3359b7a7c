import type { Position } from '../../core/index.ts'
import { defineModule, ignored, MultiTable, Table, use } from '../../core/index.ts'

const step = (optional: boolean) => use(Table).map((table, at) => ({ table, optional, at }))

export default defineModule({
  name: 'table.chain',
  doc: 'Looks a key up in one table, what it finds in the next one, and so on.',
  provides: [Table, MultiTable],
  config: {
    step: step(false).many().doc('A table that has to know every value so far, or else the key is not found.'),
    optional_step: step(true).many().doc('A table that is left out unless it knows every value so far.'),
  },
  inline: ignored(),
  create({ step, optional_step }) {
    const steps = [...step, ...optional_step].sort((a, b) => compare(a.at, b.at))
    return {
      async lookup(key) {
        let values: readonly string[] = [key]
        for (const { table, optional } of steps) {
          const next = await lookupAll(table, values)
          if (next) values = next
          else if (!optional) return []
        }
        return values
      },
    }
  },
})

const lookupAll = async (table: Table, keys: readonly string[]): Promise<readonly string[] | undefined> => {
  const found: string[] = []
  for (const key of keys) {
    const values = await table.lookup(key)
    if (values.length === 0) return undefined
    found.push(...values)
  }
  return found
}

/** The order in which two directives of one block come, the place of an import counting before the place in what it brings. */
const compare = (a: Position, b: Position): number => {
  const [as, bs] = [places(a), places(b)]
  const depth = as.findIndex((place, i) => place.line !== bs[i]?.line || place.column !== bs[i]?.column)
  const [x, y] = [as[depth], bs[depth]]
  return x && y ? x.line - y.line || x.column - y.column : 0
}

const places = (at: Position): readonly Position[] => (at.via ? [...places(at.via), at] : [at])
