import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Word } from '../../grammar/node.ts'
import { ConfigError } from '../../grammar/node.ts'
import { parseSize } from '../config/size.ts'
import { custom } from '../config/values.ts'
import type { SpoolOptions } from '../kit/message/spool.ts'
import type { Context } from '../module.ts'

/** Where bodies are kept while they are handled. */
export interface BufferSetting {
  readonly mode: 'ram' | 'fs' | 'auto'
  /** `auto` keeps bodies that are shorter in memory; bytes. */
  readonly memoryLimit: number
  /** As written; undefined is the folder `buffer` of the state directory. */
  readonly directory: string | undefined
}

const usual = 1024 ** 2

/** `buffer ram`, `buffer fs [DIR]`, `buffer auto [SIZE [DIR]]`. */
export const buffer = () =>
  custom(
    { args: 'custom: ram | fs [DIR] | auto [SIZE [DIR]]', usage: 'ram|fs [DIR]|auto [SIZE [DIR]]' },
    (words, node) => {
      const [mode, ...args] = words
      if (!mode) throw new ConfigError(node.name.at, `${node.name.text} needs ram, fs or auto`)
      return read(mode, args)
    },
  ).default('auto 1M')

const read = (mode: Word, args: readonly Word[]): BufferSetting => {
  const atMost = (count: number) => {
    const extra = args[count]
    if (extra) throw new ConfigError(extra.at, `${mode.text} takes no more than ${count} words`)
  }
  switch (mode.text) {
    case 'ram':
      atMost(0)
      return { mode: 'ram', memoryLimit: Number.POSITIVE_INFINITY, directory: undefined }
    case 'fs':
      atMost(1)
      return { mode: 'fs', memoryLimit: 0, directory: args[0]?.text }
    case 'auto':
      atMost(2)
      return { mode: 'auto', memoryLimit: args[0] ? parseSize(args[0].text) : usual, directory: args[1]?.text }
    default:
      throw new ConfigError(mode.at, `expected ram, fs or auto, not ${mode.text}`)
  }
}

/** Makes the usual folder, for its owner alone, also when another is in use; a folder that was named has to be there. */
export const openBuffer = async (
  { mode, memoryLimit, directory }: BufferSetting,
  context: Pick<Context, 'directories' | 'path'>,
): Promise<SpoolOptions> => {
  const own = join(context.directories.state, 'buffer')
  await mkdir(own, { recursive: true, mode: 0o700 })
  return { mode, memoryLimit, directory: directory === undefined ? own : context.path(directory) }
}
