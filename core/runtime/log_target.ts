import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText, formatLine, formatTime, type LogLine } from './log_line.ts'

/** Somewhere log lines go. */
export interface LogTarget {
  write(line: LogLine): void
  /** Opens a file anew, after its old self has been moved away. */
  reopen?(): void
  close?(): void
}

/**
 * Opens the targets of a `log` directive or a `-log` option: `stderr`, `stderr_ts`, `syslog`, `off` (alone), or the path
 * of a file; relative ones are taken from `directory`. Throws RangeError for what cannot be meant, and what opening throws.
 */
export const openTargets = (written: readonly string[], directory: string): readonly LogTarget[] => {
  if (written.length === 0) throw new RangeError('expected stderr, stderr_ts, syslog, off or the path of a file')
  if (written.includes('off') && written.length > 1) throw new RangeError('off excludes all other targets')
  const opened: LogTarget[] = []
  try {
    for (const target of new Set(written)) if (target !== 'off') opened.push(openTarget(target, directory))
  } catch (error) {
    for (const target of opened) target.close?.()
    throw error
  }
  return opened
}

const openTarget = (written: string, directory: string): LogTarget => {
  switch (written) {
    case '':
      throw new RangeError('a target of log is an empty word')
    case 'stderr':
      return { write: (line) => process.stderr.write(`${marked(line)}\n`) }
    case 'stderr_ts':
      return { write: (line) => process.stderr.write(`${timed(line)}\n`) }
    case 'syslog':
      return new Syslog()
    default:
      return new LogFile(resolve(directory, written))
  }
}

const marked = (line: LogLine): string => `${line.debug ? '[debug] ' : ''}${formatLine(line)}`

const timed = (line: LogLine): string => `${formatTime(line.time)} ${marked(line)}`

/** A file that is appended to. Written at once, so that the last lines before a crash are there to be read. */
class LogFile implements LogTarget {
  readonly #path: string
  #file: number
  #failing = false

  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'a')
  }

  write(line: LogLine): void {
    try {
      writeSync(this.#file, `${timed(line)}\n`)
      this.#failing = false
    } catch (error) {
      // Said once, in the only place left, and not for each line that is lost.
      if (!this.#failing) process.stderr.write(`log: cannot write to ${this.#path}: ${errorText(error)}\t\n`)
      this.#failing = true
    }
  }

  reopen(): void {
    const reopened = openSync(this.#path, 'a') // before the old one is closed, which goes on if this throws
    closeSync(this.#file)
    this.#file = reopened
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Facility mail (2) with severity info (6) or debug (7), RFC 5424 §6.2.1. */
const priority = (debug: boolean): number => 2 * 8 + (debug ? 7 : 6)

/** `logger` takes lines longer than its own 1 KiB only when told to. */
const loggerOptions = ['--tag', 'maddy', '--socket-errors=on', '--size', '64KiB']

/** The system's log, through the program `logger`, since Node has no datagram sockets of the Unix kind. */
class Syslog implements LogTarget {
  #logger: ChildProcess
  #closed = false

  constructor() {
    // A first one with nothing to say tells whether the system's log can be reached at all.
    const probe = spawnSync('logger', loggerOptions, { input: '', timeout: 5_000, encoding: 'utf8' })
    if (probe.error) throw new Error(`the program logger cannot be run: ${probe.error.message}`, { cause: probe.error })
    if (probe.status !== 0) throw new Error(`the system's log cannot be reached: ${probe.stderr.trim()}`)
    this.#logger = this.#spawn()
  }

  #spawn(): ChildProcess {
    const logger = spawn('logger', [...loggerOptions, '--prio-prefix'], { stdio: ['pipe', 'ignore', 'ignore'] })
    logger.on('error', () => {}) // seen when the next line is written
    logger.stdin?.on('error', () => {})
    logger.unref()
    return logger
  }

  write(line: LogLine): void {
    if (this.#closed) return
    if (this.#logger.exitCode !== null || this.#logger.signalCode !== null || !this.#logger.stdin?.writable) {
      this.#logger = this.#spawn()
    }
    this.#logger.stdin?.write(`<${priority(line.debug)}>${formatLine(line)}\n`)
  }

  reopen(): void {
    this.#logger.stdin?.end()
    this.#logger = this.#spawn()
  }

  close(): void {
    this.#closed = true
    this.#logger.stdin?.end()
  }
}
