import { access, constants, stat } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'

/** The file of a program: a path, from `directory` when it is relative, or else a name to be looked for on PATH. Throws. */
export const findProgram = async (program: string, directory: string): Promise<string> => {
  if (program.includes('/')) {
    const file = resolve(directory, program)
    if (await isProgram(file)) return file
    throw new Error(`${file} is no program that can be run`)
  }
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    const file = join(folder, program)
    if (await isProgram(file)) return file
  }
  throw new Error(`there is no program ${program} on PATH`)
}

const isProgram = async (file: string): Promise<boolean> => {
  try {
    await access(file, constants.X_OK)
    return (await stat(file)).isFile()
  } catch {
    return false
  }
}
