import { timeLimit } from '../../../core/kit/abort.ts'
import { runProgram } from '../../../core/kit/process/index.ts'

/** A line, of either output, may have so many bytes, and the output so many lines. */
const longestLine = 64 * 1024
const mostLines = 1000

interface FilterOptions {
  readonly cwd: string
  /** The message. */
  readonly input: AsyncIterable<Uint8Array>
  /** Milliseconds. */
  readonly timeout: number
  readonly onStderr: (line: string) => void
}

/**
 * Runs a program, without a shell, with the message on its standard input. Resolves to the lines it prints. Throws when it
 * cannot be run, fails, says too much, or takes too long; then it is killed with all that it has started.
 */
export const runFilter = async (
  program: string,
  args: readonly string[],
  { cwd, input, timeout, onStderr }: FilterOptions,
): Promise<string[]> => {
  const deadline = timeLimit(timeout)
  try {
    const { output, status, signal } = await runProgram(program, args, {
      cwd,
      input,
      output: linesOf,
      complaints: async (stderr) => (await linesOf(stderr)).forEach(onStderr),
      signal: deadline,
    })
    if (status !== 0) throw new Error(`${program} ended with ${signal ?? `exit status ${status}`}`)
    return output
  } catch (error) {
    throw deadline.aborted ? new Error(`${program} took longer than ${timeout} ms`) : error
  }
}

const linesOf = async (output: AsyncIterable<Buffer>): Promise<string[]> => {
  const lines: string[] = []
  let rest = Buffer.alloc(0)
  for await (const chunk of output) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      lines.push(rest.toString('utf8', 0, end))
      rest = rest.subarray(end + 1)
    }
    if (rest.length > longestLine || lines.some((line) => line.length > longestLine) || lines.length > mostLines) {
      throw new Error('the program says too much')
    }
  }
  if (rest.length > 0) lines.push(rest.toString())
  return lines
}
