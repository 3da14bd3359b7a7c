import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'

interface Places {
  /** Where the path of a program starts when it is relative. */
  readonly directory: string
  /** Where a name is looked for before PATH. */
  readonly libexec: string
}

/** The file of a program: a path, or a name to be looked for. Throws when nothing can be run there. */
export const findProgram = async (program: string, { directory, libexec }: Places): Promise<string> => {
  if (program.includes('/')) {
    const file = resolve(directory, program)
    if (await isProgram(file)) return file
    throw new Error(`${file} is no program that can be run`)
  }
  for (const folder of [libexec, ...(process.env.PATH ?? '').split(delimiter)]) {
    if (folder === '') continue
    const file = join(folder, program)
    if (await isProgram(file)) return file
  }
  throw new Error(`there is no program ${program} on PATH, nor in ${libexec}`)
}

const isProgram = async (file: string): Promise<boolean> => {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
