import type { Fields, Logger } from '../log.ts'
import { errorFields, errorText, type LogLine } from './log_line.ts'
import type { LogTarget } from './log_target.ts'

/** Takes the lines of all loggers. */
export interface LogSink {
  write(line: LogLine): void
}

/**
 * The one owner of what log lines are written to. It outlives every configuration, so that a reload exchanges the targets
 * below loggers that are in use, and a rotation reaches each of them.
 */
export class LogOutput implements LogSink, Disposable {
  #targets: readonly LogTarget[]

  constructor(targets: readonly LogTarget[]) {
    this.#targets = targets
  }

  write(line: LogLine): void {
    for (const target of this.#targets) target.write(line)
  }

  /** Hands over at once what the targets have gathered; for the end of the process. */
  flush(): void {
    for (const target of this.#targets) target.flush?.()
  }

  /** Writes to other targets from now on, and closes the ones before. */
  use(targets: readonly LogTarget[]): void {
    const old = this.#targets
    this.#targets = targets
    for (const target of old) if (!targets.includes(target)) target.close?.()
  }

  /** Opens files anew, so that those which were moved away are let go. What fails is written on as before, and said. */
  reopen(): void {
    for (const target of this.#targets) {
      try {
        target.reopen?.()
      } catch (error) {
        this.write({
          time: new Date(),
          debug: false,
          name: '',
          event: 'cannot reopen a log file',
          fields: { reason: errorText(error) },
        })
      }
    }
  }

  [Symbol.dispose](): void {
    this.use([])
  }
}

/** A logger; `debugging` is the nearest explicit setting of its owner, its file or the command line. */
export const makeLogger = (sink: LogSink, name: string, debugging: boolean): Logger =>
  new LineLogger(sink, name, debugging, {})

class LineLogger implements Logger {
  readonly debugging: boolean
  readonly #sink: LogSink
  readonly #name: string
  readonly #base: Fields

  constructor(sink: LogSink, name: string, debugging: boolean, base: Fields) {
    this.debugging = debugging
    this.#sink = sink
    this.#name = name
    this.#base = base
  }

  with(fields: Fields): Logger {
    return new LineLogger(this.#sink, this.#name, this.debugging, { ...this.#base, ...fields })
  }

  part(part: string): Logger {
    const name = this.#name === '' ? part : `${this.#name}/${part}`
    return new LineLogger(this.#sink, name, this.debugging, this.#base)
  }

  debug(event: string, fields: Fields = {}): void {
    if (this.debugging) this.#write(true, event, fields)
  }

  info(event: string, fields: Fields = {}): void {
    this.#write(false, event, fields)
  }

  error(event: string, error: unknown, fields: Fields = {}): void {
    this.#write(false, event, { ...errorFields(error), ...stackOf(error, this.debugging), ...fields })
  }

  #write(debug: boolean, event: string, fields: Fields): void {
    this.#sink.write({ time: new Date(), debug, name: this.#name, event, fields: { ...this.#base, ...fields } })
  }
}

/** Where it went wrong, of mistakes in a program, and of anything while debugging. */
const stackOf = (error: unknown, debugging: boolean): Fields => {
  const mistake = error instanceof TypeError || error instanceof ReferenceError || error instanceof SyntaxError
  return error instanceof Error && (mistake || debugging) ? { stack: error.stack } : {}
}
