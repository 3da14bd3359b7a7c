import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs a file of this folder in a process of its own, so that a load and what it loads do not share an event loop. The
 * file is given the options as its first argument, and calls `answer`.
 */
export const inChild = async <T>(file: string, options: unknown): Promise<T> => {
  const child = fork(file, [JSON.stringify(options)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exit = once(child, 'exit')
  const [result] = await Promise.race([once(child, 'message'), exit.then(([status]) => Promise.reject(ended(status)))])
  child.disconnect()
  await exit
  return result as T
}

const ended = (status: unknown): Error => new Error(`a process that makes load ended with status ${status}`)

/** The other side of `inChild`: does the work, and sends what it results in. */
export const answer = async <O, T extends object>(work: (options: O) => Promise<T>): Promise<void> => {
  const result = await work(JSON.parse(process.argv[2] ?? '{}') as O)
  process.send?.(result)
}

/** The value below which that share of them lies, from 0 to 1; of none, NaN. Sorts them. */
export const quantile = (values: number[], share: number): number => {
  values.sort((a, b) => a - b)
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
}
