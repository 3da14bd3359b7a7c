import { ConfigError } from '../../grammar/node.ts'
import type { Role } from '../role.ts'
import type { Later } from './directive.ts'
import { Directive, Problems } from './directive.ts'

/** Another module, by `&name` or defined in place. */
export const use = <T>(role: Role<T>) =>
  new Directive<T | undefined>({ args: `module:${role.namespace}`, usage: '&NAME|MODULE …', role }, (node, scope) =>
    scope.instance(role, node),
  )

/** Another module, where a cycle is legal: it is resolved last, and may be used from `start` on only. */
export const useLater = <T>(role: Role<T>) =>
  new Directive<Later<T> | undefined>(
    { args: `module:${role.namespace}`, usage: '&NAME|MODULE …', role },
    (node, scope) => scope.later(role, node),
  )

/** A block with a module on each line: `check { spf }`. */
export const useAll = <T>(role: Role<T>) =>
  new Directive<T[] | undefined>(
    { args: `block: ${role.namespace} modules`, usage: '{ MODULE … }', role },
    async (node, scope) => {
      const [extra] = node.args
      if (extra) throw new ConfigError(extra.at, `${node.name.text} takes a block with a module on each line`)
      const problems = new Problems()
      const instances: T[] = []
      for (const { name, args, children } of node.children ?? []) {
        const inline = { name: node.name, args: [name, ...args], ...(children && { children }) }
        await problems.gather(async () => instances.push(await scope.instance(role, inline)))
      }
      problems.raise()
      return instances
    },
  )

/** A group: `limits &name`, or a block that is one of `module` in place. */
export const useGroup = <T>(role: Role<T>, module: string) =>
  new Directive<T | undefined>({ args: `block:${module}`, usage: '&NAME|{ … }', role }, (node, scope) => {
    const [first] = node.args
    if (first && !first.text.startsWith('&')) {
      const { text } = node.name
      throw new ConfigError(first.at, `${text} takes &NAME or a block: ${text} { ${first.text} … }`)
    }
    return scope.instance(role, node, module)
  })
