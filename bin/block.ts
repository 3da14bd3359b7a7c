import { globals } from '../core/mail/globals.ts'
import type { Role } from '../core/role.ts'
import { prepareDirectories } from '../core/runtime/directories.ts'
import { Graph } from '../core/runtime/graph.ts'
import { ProcessHost } from '../core/runtime/host.ts'
import { moduleFolders, Registry } from '../core/runtime/registry.ts'
import { readSettings } from '../core/runtime/settings.ts'
import { readConfig } from '../grammar/index.ts'
import type { Call } from './command.ts'
import { UsageError } from './errors.ts'
import type { Options } from './options.ts'
import { processOptions, sourceOf } from './setup.ts'

/** The option that names the block a command works on. */
export const blockOption = (fallback: string): Options => ({
  'cfg-block': { type: 'string', usage: 'NAME', doc: `The block to work on (MADDY_CFGBLOCK; ${fallback}).` },
})

/** The block a command is to work on. */
export const blockName = ({ options, env }: Call, fallback: string): string =>
  options.text('cfg-block') ?? (env.MADDY_CFGBLOCK || fallback)

/**
 * Runs `work` with one block of the configuration, and with nothing besides but what the block refers to: no endpoint is
 * built, and no log file opened. Everything is closed again at the end. Throws UsageError, ConfigError.
 */
export const withBlock = async <T, R>(
  call: Call,
  name: string,
  role: Role<T>,
  work: (api: T) => Promise<R>,
): Promise<R> => withBlocks(call, [name], (find) => find(name, role).then(work))

/** As `withBlock` for several blocks at once. */
export const withBlocks = async <R>(
  call: Call,
  names: readonly string[],
  work: (find: <T>(name: string, role: Role<T>) => Promise<T>) => Promise<R>,
): Promise<R> => {
  const { path, env } = sourceOf(call)
  const { nodes } = await readConfig(path, { env })
  using host = new ProcessHost(processOptions(call))
  const settings = await readSettings(nodes, host.options)
  using registry = new Registry(moduleFolders(path, settings.directories.state))
  const options = { registry, host: host.for(settings), globals, env, only: names }
  await using graph = await Graph.build(nodes, options)
  await prepareDirectories(settings.directories)
  await graph.start()
  const known = new Set(nodes.flatMap(({ name, args }) => (args.length > 0 ? args : [name]).map(({ text }) => text)))
  return await work(async (name, role) => {
    const api = await graph.find(name, role)
    if (api !== undefined) return api
    const what = role.name.replaceAll('_', ' ')
    throw new UsageError(
      known.has(name) ? `${name} has no ${what} that can be managed` : `${path} has no block ${name}`,
    )
  })
}
