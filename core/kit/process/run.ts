import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { orAbort } from '../abort.ts'

export interface RunOptions<T> {
  readonly cwd: string
  /** Its standard input, written as fast as it reads; without, that is empty. It need not read what it is given. */
  readonly input?: AsyncIterable<Uint8Array>
  /** Reads its standard output to the end. */
  readonly output: (stdout: AsyncIterable<Buffer>) => Promise<T>
  /** Reads its standard error to the end; without, that goes nowhere. */
  readonly complaints?: (stderr: AsyncIterable<Buffer>) => Promise<void>
  /** How long it may take. */
  readonly signal: AbortSignal
}

export interface Ended<T> {
  /** What was made of its output. */
  readonly output: T
  /** Its exit status; -1 when a signal ended it. */
  readonly status: number
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null
}

/**
 * Runs a program, without a shell, in the environment of this process, until it has ended and nothing holds its output any
 * more. Throws when it cannot be started, when `input`, `output` or `complaints` throw, and the signal's reason once that
 * aborts; then the program is killed along with all that it has started.
 */
export const runProgram = async <T>(
  file: string,
  args: readonly string[],
  { cwd, input, output, complaints, signal }: RunOptions<T>,
): Promise<Ended<T>> => {
  signal.throwIfAborted()
  const child = spawn(file, args, {
    cwd,
    detached: true, // the leader of a group, which can be killed as a whole
    stdio: [input ? 'pipe' : 'ignore', 'pipe', complaints ? 'pipe' : 'ignore'],
  })
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  closed.catch(() => {}) // fails as the next line does
  await once(child, 'spawn') // without which there may be no streams
  const work = Promise.all([
    output(child.stdout as Readable),
    complaints?.(child.stderr as Readable),
    input && feed(child.stdin as Writable, input),
    closed,
  ])
  try {
    const [made, , , [status, by]] = await orAbort(work, signal)
    return { output: made, status: status ?? -1, signal: by }
  } catch (error) {
    kill(child)
    throw error
  }
}

/** What has left the group lives on, but is not waited for: nothing here listens to it any more. */
const kill = ({ pid, stdin, stdout, stderr }: ChildProcess): void => {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
  for (const stream of [stdin, stdout, stderr]) stream?.on('error', () => {}).destroy()
}

const feed = async (stdin: Writable, input: AsyncIterable<Uint8Array>): Promise<void> => {
  try {
    await pipeline(Readable.from(input), stdin)
  } catch (error) {
    if (!unread.has((error as NodeJS.ErrnoException).code)) throw error
  }
}

/** What becomes of writing to a program that has stopped reading. */
const unread: ReadonlySet<string | undefined> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_PREMATURE_CLOSE'])
