import { resolve } from 'node:path'
import type { Directive, Scope } from '../../core/index.ts'
import type { Node } from '../../grammar/node.ts'

/** A scope with no other modules around, and these directives at the top level. */
export const bareScope = (globals: readonly Node[] = []): Scope => ({
  global: (name) => globals.find((node) => node.name.text === name),
  environment: () => undefined,
  instance: () => {
    throw new Error('there are no modules here')
  },
  later: () => {
    throw new Error('there are no modules here')
  },
  provides: () => false,
  warn: () => {},
  path: (written) => resolve('/state', written),
})

/** Reads one occurrence of a directive. */
export const read = <T>(directive: Directive<T>, node: Node): Promise<T> =>
  directive.read(node.name.text, [node], node.name, bareScope())
