/** A value that a log line can hold: durations and times are formatted by whoever logs them. */
export type Fields = Readonly<Record<string, unknown>>

/** One event a line: a constant phrase, then fields. Passwords and bodies are never logged. */
export interface Logger {
  /** True when debug lines are printed, for those whose fields cost something to gather. */
  readonly debugging: boolean
  /** A logger that adds these fields to every line. */
  with(fields: Fields): Logger
  /** A logger for a part, named `name/part`. */
  part(name: string): Logger
  debug(event: string, fields?: Fields): void
  info(event: string, fields?: Fields): void
  /** Adds `reason` and, for an SmtpError, `smtp_code`, `smtp_enchcode`, `smtp_msg` and its own fields. Fields of the call win. */
  error(event: string, error: unknown, fields?: Fields): void
}
