import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

export const onPath = (program: string): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })

/** Options of a test that needs a program: skips it, and says why, where there is none. */
export const unless = (program: string): { readonly skip: false | string } => ({
  skip: onPath(program) ? false : `${program} is not on PATH`,
})

/** Runs a program that has to succeed. Resolves to what it prints, as Latin-1. Throws with what it complains of. */
export const run = async (program: string, args: readonly string[], input = ''): Promise<string> => {
  const child = spawn(program, args, { timeout: 60_000 })
  const output: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (data) => output.push(data))
  child.stderr.on('data', (data) => errors.push(data))
  child.stdin.on('error', () => {}).end(input)
  const [status] = await once(child, 'close')
  if (status !== 0) throw new Error(`${program} ended with status ${status}: ${Buffer.concat(errors)}`)
  return Buffer.concat(output).toString('latin1')
}
