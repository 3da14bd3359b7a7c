import { resolve } from 'node:path'
import { globals } from '../core/mail/globals.ts'
import { Graph } from '../core/runtime/graph.ts'
import { ProcessHost } from '../core/runtime/host.ts'
import { withApi } from '../core/runtime/implicit_api.ts'
import { moduleFolders, Registry } from '../core/runtime/registry.ts'
import { soundSettings } from '../core/runtime/settings.ts'
import { describeProblem, readConfig } from '../grammar/index.ts'
import { ConfigError, type Problem } from '../grammar/node.ts'
import type { Command } from './command.ts'
import { UsageError } from './errors.ts'
import { configFile, processOptions } from './setup.ts'

/** Builds everything that the configuration describes and opens none of it. */
export const check: Command = {
  args: '[FILE]',
  doc: 'Check the configuration and name everything that is wrong with it. Opens and changes nothing. Also: verify-config.',
  options: {
    database: {
      type: 'boolean',
      doc: 'Also connect to the databases of mail, and say what a start would do to their tables. Changes nothing.',
    },
  },
  async run(call) {
    const path = call.args[0] ?? configFile(call)
    try {
      const { nodes: written, warnings } = await readConfig(path, { env: call.env })
      const nodes = withApi(written, call.env)
      warn(warnings) // before anything else, since an error may come of what is odd
      using host = new ProcessHost(processOptions(call))
      const settings = await soundSettings(nodes, host.options)
      using registry = new Registry(moduleFolders(resolve(path), settings.directories.state))
      await using graph = await Graph.build(nodes, { registry, host: host.for(settings), globals, env: call.env })
      warn(graph.warnings)
      await graph.inspect()
      if (call.options.flag('database')) {
        for (const [name, lines] of await graph.preview()) for (const line of lines) say(`${name}: ${line}`)
      }
      say(`${path}: no errors`)
      return 0
    } catch (error) {
      if (!(error instanceof ConfigError) || error instanceof UsageError) throw error
      for (const problem of error.problems) say(describeProblem(problem))
      const count = error.problems.length
      say(`${path}: ${count} ${count === 1 ? 'error' : 'errors'}`)
      return 2
    }
  },
}

const warn = (warnings: readonly Problem[]): void => {
  for (const warning of warnings) say(`warning: ${describeProblem(warning)}`)
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
