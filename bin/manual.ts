import { manualOfGlobals, manualPage, reference } from '../core/config/manual.ts'
import { didYouMean } from '../core/config/nearest.ts'
import { actionWords } from '../core/mail/fail_action.ts'
import { globals } from '../core/mail/globals.ts'
import type { ModuleDefinition } from '../core/module.ts'
import { pipelineDirectives } from '../core/pipeline/index.ts'
import { ModuleError, moduleFolders, Registry } from '../core/runtime/registry.ts'
import type { Command } from './command.ts'
import { defaultGlobal } from './defaults.ts'
import { UsageError } from './errors.ts'
import { sourceOf } from './setup.ts'

/** The word that stands for the directives of the top level. */
const topLevel = 'globals'

/** Everything about modules and directives, from their declarations alone. */
export const manual: Command = {
  args: '[MODULE]',
  doc: `Show the reference of a module, or of the top level (${topLevel}); without a name, list the modules.`,
  options: { json: { type: 'boolean', doc: 'Everything at once, as JSON for programs.' } },
  async run(call) {
    using registry = new Registry(moduleFolders(sourceOf(call).path, defaultGlobal('state_dir')))
    const [name] = call.args
    process.stdout.write(call.options.flag('json') ? await json(registry) : `${await page(registry, name)}\n`)
    return 0
  },
}

const json = async (registry: Registry): Promise<string> =>
  `${JSON.stringify(reference(await all(registry), globals, { action: actionWords, pipeline: pipelineDirectives }), null, 1)}\n`

const page = async (registry: Registry, name: string | undefined): Promise<string> => {
  if (name === undefined) return await overview(registry)
  if (name === topLevel) return manualOfGlobals(globals)
  const definition = await registry.find(name)
  if (definition) return manualPage(definition)
  const known = [...(await registry.names()), topLevel]
  throw new UsageError(`there is no module ${name}${didYouMean(name, known)}`)
}

const overview = async (registry: Registry): Promise<string> => {
  const modules = await all(registry)
  const width = Math.max(...modules.map(({ name }) => name.length)) + 2
  return [
    ...modules.map(({ name, doc }) => `${name.padEnd(width)}${doc}`),
    '',
    `tsmaddy manual MODULE tells more of a module, tsmaddy manual ${topLevel} of what stands at the top level.`,
  ].join('\n')
}

/** Each module once, whatever names it has; one that cannot be loaded is named on standard error and left out. */
const all = async (registry: Registry): Promise<readonly ModuleDefinition[]> => {
  const find = async (name: string): Promise<ModuleDefinition | undefined> => {
    try {
      return await registry.find(name)
    } catch (error) {
      if (!(error instanceof ModuleError)) throw error
      process.stderr.write(`Warning: ${error.message}\n`)
      return undefined
    }
  }
  const definitions = await Promise.all((await registry.names()).map(find))
  return [...new Set(definitions.filter((definition) => definition !== undefined))]
}
