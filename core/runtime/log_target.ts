import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { errorText, formatLine, formatTime, type LogLine } from './log_line.ts'

/** Somewhere log lines go. */
export interface LogTarget {
  write(line: LogLine): void
  /** Hands over at once what has gathered. */
  flush?(): void
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
      return new Gathered(marked, (text) => process.stderr.write(text))
    case 'stderr_ts':
      return new Gathered(timed, (text) => process.stderr.write(text))
    case 'syslog':
      return new Syslog()
    default:
      return new LogFile(resolve(directory, written))
  }
}

const marked = (line: LogLine): string => `${line.debug ? '[debug] ' : ''}${formatLine(line)}`

const timed = (line: LogLine): string => `${formatTime(line.time)} ${marked(line)}`

/** What has gathered is handed over when it is as long as this, in UTF-16 code units. */
const mostGathered = 65_536

/**
 * Lines that come in one turn of the event loop are written together at its end: a busy server logs several for each
 * message, and every write costs it more than the line.
 */
class Gathered implements LogTarget {
  readonly #format: (line: LogLine) => string
  readonly #put: (text: string) => void
  #text = ''
  #turn: NodeJS.Immediate | undefined

  constructor(format: (line: LogLine) => string, put: (text: string) => void) {
    this.#format = format
    this.#put = put
  }

  write(line: LogLine): void {
    this.#text += `${this.#format(line)}\n`
    if (this.#text.length > mostGathered) this.flush()
    else this.#turn ??= setImmediate(() => this.flush())
  }

  flush(): void {
    if (this.#turn) clearImmediate(this.#turn)
    this.#turn = undefined
    const text = this.#text
    this.#text = ''
    if (text !== '') this.#put(text)
  }

  close(): void {
    this.flush()
  }
}

/** A file that is appended to. */
class LogFile implements LogTarget {
  readonly #path: string
  readonly #lines = new Gathered(timed, (text) => this.#append(text))
  #file: number
  #failing = false

  constructor(path: string) {
    this.#path = path
    this.#file = openSync(path, 'a')
  }

  write(line: LogLine): void {
    this.#lines.write(line)
  }

  flush(): void {
    this.#lines.flush()
  }

  #append(text: string): void {
    try {
      writeSync(this.#file, text)
      this.#failing = false
    } catch (error) {
      // Said once, in the only place left, and not for each line that is lost.
      if (!this.#failing) process.stderr.write(`log: cannot write to ${this.#path}: ${errorText(error)}\t\n`)
      this.#failing = true
    }
  }

  reopen(): void {
    this.flush()
    const reopened = openSync(this.#path, 'a') // before the old one is closed, which goes on if this throws
    closeSync(this.#file)
    this.#file = reopened
  }

  close(): void {
    this.flush()
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
