import { resolve } from 'node:path'
import { Daemon, type DaemonOptions } from '../core/runtime/daemon.ts'
import { errorText } from '../core/runtime/log_line.ts'
import type { Call, Command } from './command.ts'
import { UsageError } from './errors.ts'
import { processOptions, sourceOf } from './setup.ts'
import { versionLine } from './version.ts'

/** Serves until told to stop. */
export const run: Command = {
  doc: 'Run the server. USR2 reloads the configuration, USR1 reopens log files, TERM, INT and HUP stop it.',
  options: {
    libexec: { type: 'string', usage: 'PATH', doc: 'Where programs that modules run are looked for first.' },
    v: { type: 'boolean', doc: 'Show the version.', hidden: true },
  },
  async run(call) {
    if (!call.options.flag('v')) return await serve(call)
    process.stdout.write(`tsmaddy ${versionLine()}\n`)
    return 0
  },
}

/** Serves, and ends the process. */
export const serve = async (call: Call): Promise<never> => {
  const options = processOptions(call)
  const libexec = call.options.text('libexec')
  if (libexec !== undefined) process.env.PATH = [resolve(libexec), process.env.PATH].filter(Boolean).join(':')
  const status = await untilStopped({ ...options, ...sourceOf(call) })
  // After a second signal there is work left that would keep the process alive.
  process.exit(status)
}

const untilStopped = async (options: DaemonOptions): Promise<number> => {
  await using daemon = open(options)
  return await daemon.run()
}

const open = (options: DaemonOptions): Daemon => {
  try {
    return new Daemon(options)
  } catch (cause) {
    throw new UsageError(`cannot open the log: ${errorText(cause)}`, { cause })
  }
}
