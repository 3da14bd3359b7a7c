import type { Node } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import type { Directives, Scope, Values } from './directive.ts'
import { Directive, Problems } from './directive.ts'
import { didYouMean } from './nearest.ts'

/** Reads the children of a node, each by the directive of its name; reports every problem in the block, not only the first. */
export async function readBlock<D extends Directives>(directives: D, node: Node, scope: Scope): Promise<Values<D>> {
  const problems = new Problems()
  const found = Map.groupBy(node.children ?? [], (child) => child.name.text)
  for (const [name, [child]] of found) {
    if (child && !Object.hasOwn(directives, name)) {
      const hint = didYouMean(name, Object.keys(directives))
      problems.add(new ConfigError(child.name.at, `${node.name.text} has no directive ${name}${hint}`))
    }
  }
  const values: Record<string, unknown> = {}
  for (const [name, directive] of Object.entries(directives)) {
    values[name] = await problems.gather(() => directive.read(name, found.get(name) ?? [], node.name, scope))
  }
  problems.raise()
  return values as Values<D>
}

/** A directive with a block of directives of its own, and no words before it. */
export const block = <D extends Directives>(directives: D) =>
  new Directive<Values<D> | undefined>({ args: 'block', usage: '{ … }', children: directives }, (node, scope) => {
    const [extra] = node.args
    if (extra) throw new ConfigError(extra.at, `${node.name.text} takes a block only, not ${extra.text}`)
    return readBlock(directives, node, scope)
  })
