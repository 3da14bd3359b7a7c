import { randomBytes } from 'node:crypto'
import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ConfigError } from '../../grammar/node.ts'
import type { Directories } from '../module.ts'
import { errorText } from './log_line.ts'

/**
 * Makes the directories of a configuration, for their owner alone, and sees that they can be written to. Throws ConfigError.
 * The process does not change into one of them: it may serve two configurations at once, each with its own.
 */
export const prepareDirectories = async ({ state, runtime }: Directories): Promise<void> => {
  await prepare('state_dir', state)
  await prepare('runtime_dir', runtime)
}

const prepare = async (directive: string, path: string): Promise<void> => {
  try {
    await make(path)
    const trial = join(path, `.write_test_${randomBytes(8).toString('hex')}`)
    await writeFile(trial, '', { flag: 'wx', mode: 0o600 })
    await rm(trial)
  } catch (cause) {
    throw new ConfigError(undefined, `${directive} ${path} cannot be used: ${errorText(cause)}`, { cause })
  }
}

/** With what is missing above it. Node's own recursive way goes round for ever where a file system takes no directories. */
const make = async (path: string): Promise<void> => {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || dirname(path) === path || (await exists(dirname(path)))) throw error
    await make(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
