import { type Fields, type Logger, SmtpError } from '../../core/index.ts'

export interface Line {
  readonly level: 'debug' | 'info' | 'error'
  readonly event: string
  readonly fields: Fields
}

/** A logger that keeps its lines, with the fields of those it was made from, and of refusals. */
export const lineLogger = (lines: Line[] = [], own: Fields = {}): Logger => ({
  debugging: true,
  with: (fields) => lineLogger(lines, { ...own, ...fields }),
  part: () => lineLogger(lines, own),
  debug: (event, fields) => lines.push({ level: 'debug', event, fields: { ...own, ...fields } }),
  info: (event, fields) => lines.push({ level: 'info', event, fields: { ...own, ...fields } }),
  error: (event, error, fields) => {
    const known = error instanceof SmtpError ? error.fields : {}
    lines.push({ level: 'error', event, fields: { ...own, reason: String(error), ...known, ...fields } })
  },
})
