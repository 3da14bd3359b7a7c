import { resolve } from 'node:path'
import { ConfigError, type Node } from '../../grammar/node.ts'
import { readBlock } from '../config/block.ts'
import type { Scope } from '../config/directive.ts'
import { processGlobals } from '../mail/globals.ts'
import type { Directories } from '../module.ts'

/** Where programs that modules run are looked for first, unless the command line says otherwise. */
export const defaultLibexec = '/usr/lib/maddy'

/** What a configuration tells the process itself. */
export interface Settings {
  /** All absolute; nothing has been made yet. */
  readonly directories: Directories
  /** Undefined when the file does not say. */
  readonly debug: boolean | undefined
  /** As written; undefined when the file does not say. */
  readonly log: readonly string[] | undefined
  readonly logNode: Node | undefined
  readonly autoReload: boolean
}

export interface Surroundings {
  /** What relative directories and log files are taken from: where the process was started. */
  readonly startDirectory: string
  readonly libexec?: string | undefined
}

/** Reads those top-level directives that concern the process. Throws ConfigError. */
export const readSettings = async (
  nodes: readonly Node[],
  { startDirectory, libexec }: Surroundings,
): Promise<Settings> => {
  const children = nodes.filter(({ name }) => Object.hasOwn(processGlobals, name.text))
  const at = nodes[0]?.name.at ?? { file: 'configuration', line: 1, column: 1 }
  const top: Node = { name: { text: 'the configuration', quoted: false, at }, args: [], children }
  const { state_dir, runtime_dir, log, debug, auto_reload } = await readBlock(processGlobals, top, noModules)
  const find = (name: string) => children.find((child) => child.name.text === name)
  return {
    directories: {
      state: resolve(startDirectory, state_dir),
      runtime: resolve(startDirectory, runtime_dir),
      libexec: resolve(startDirectory, libexec ?? defaultLibexec),
    },
    debug: find('debug') && debug,
    log,
    logNode: find('log'),
    autoReload: auto_reload,
  }
}

/**
 * As `readSettings`, but what is wrong is left out: for a graph that is built of all nodes, and which tells of it together
 * with everything else. Throws nothing.
 */
export const soundSettings = async (nodes: readonly Node[], surroundings: Surroundings): Promise<Settings> => {
  const sound = new Map<string, Node>()
  for (const node of nodes) {
    const { text } = node.name
    if (!Object.hasOwn(processGlobals, text) || sound.has(text)) continue
    const right = await readSettings([node], surroundings).then(
      () => true,
      () => false,
    )
    if (right) sound.set(text, node)
  }
  return await readSettings([...sound.values()], surroundings)
}

const refuse = (node: Node): never => {
  throw new ConfigError(node.name.at, `${node.name.text} cannot refer to a module`)
}

const noModules: Scope = {
  global: () => undefined,
  environment: () => undefined,
  instance: async (_role, node) => refuse(node),
  later: (_role, node) => refuse(node),
  provides: () => false,
  warn: () => {},
  path: (written) => written,
}
