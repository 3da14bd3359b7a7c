import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { control, NotRunning } from '../core/runtime/control.ts'
import { controlName } from '../core/runtime/daemon.ts'
import { readSettings } from '../core/runtime/settings.ts'
import { readConfig } from '../grammar/index.ts'
import { ConfigError } from '../grammar/node.ts'
import type { Call, Command } from './command.ts'
import { defaultGlobal } from './defaults.ts'
import { CommandError } from './errors.ts'
import { sourceOf } from './setup.ts'

/** Asks the server that runs with this configuration to read it anew, and waits until it has. */
export const reload: Command = {
  doc: 'Make the running server take over the configuration; tells how that went.',
  async run(call) {
    const path = join(await runtimeDirectory(call), controlName)
    try {
      const result = await control(path, { command: 'reload' }, (step) => process.stderr.write(`${step}\n`))
      if (!result.ok) throw new CommandError(`the server goes on with what it had:\n${result.error}`)
    } catch (error) {
      if (error instanceof NotRunning) throw new CommandError(error.message, { cause: error })
      throw error
    }
    process.stderr.write('reloaded\n')
    return 0
  },
}

/** Where the server listens for commands. */
const runtimeDirectory = async (call: Call): Promise<string> => {
  const { path, env } = sourceOf(call)
  try {
    const { nodes } = await readConfig(path, { env })
    return (await readSettings(nodes, { startDirectory: process.cwd() })).directories.runtime
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // The server is to tell what is wrong with the file, if only it can be found.
    const text = await readFile(path, 'utf8').catch(() => '')
    const [, written = defaultGlobal('runtime_dir')] = /^\s*runtime_dir\s+"?([^\s"#]+)/m.exec(text) ?? []
    return resolve(written)
  }
}
