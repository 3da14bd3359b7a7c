import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Message } from '../../../core/index.ts'

/** A line, of either output, may have so many bytes, and the output so many lines. */
const longestLine = 64 * 1024
const mostLines = 1000

interface RunOptions {
  readonly cwd: string
  /** Milliseconds. */
  readonly timeout: number
  readonly onStderr: (line: string) => void
}

/**
 * Runs a program, without a shell, with the message on its standard input. Resolves to the lines it prints. Throws when it
 * cannot be run, fails, says too much, or takes too long; then it is killed with all that it has started.
 */
export const runFilter = async (
  [program = '', ...args]: readonly string[],
  message: Message,
  { cwd, timeout, onStderr }: RunOptions,
): Promise<string[]> => {
  const child = spawn(program, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const kill = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL') // its whole group
    } catch {
      // It has ended.
    }
  }
  const deadline = AbortSignal.timeout(timeout)
  deadline.addEventListener('abort', kill)
  try {
    const [lines, , , [code, signal]] = await Promise.all([
      linesOf(child.stdout),
      linesOf(child.stderr).then((said) => said.forEach(onStderr)),
      feed(child.stdin, message),
      once(child, 'close') as Promise<[number | null, string | null]>,
    ])
    if (deadline.aborted) throw new Error(`${program} took longer than ${timeout} ms`)
    if (code !== 0) throw new Error(`${program} ended with ${signal ?? `exit status ${code}`}`)
    return lines
  } finally {
    deadline.removeEventListener('abort', kill)
    kill()
  }
}

/** The header as it came, an empty line, the body. A program need not read it. */
const feed = async (stdin: Writable, { header, body }: Message): Promise<void> => {
  const content = async function* () {
    yield header.bytes()
    yield Buffer.from('\r\n')
    yield* body.read()
  }
  try {
    await pipeline(Readable.from(content()), stdin)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code !== 'EPIPE' && code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error
  }
}

const linesOf = async (output: Readable): Promise<string[]> => {
  const lines: string[] = []
  let rest = Buffer.alloc(0)
  for await (const chunk of output as AsyncIterable<Buffer>) {
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
