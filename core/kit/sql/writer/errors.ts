import type { Failure } from './messages.ts'

const kinds: Readonly<Record<number, 'busy' | 'full' | 'conflict'>> = {
  5: 'busy', // SQLITE_BUSY
  6: 'busy', // SQLITE_LOCKED
  13: 'full', // SQLITE_FULL
  19: 'conflict', // SQLITE_CONSTRAINT
}

/** An operation that was not carried out; but for `broken`, nothing of it is in the database. */
export class WriterError extends Error {
  override readonly name = 'WriterError'
  /**
   * `refused`: the operation threw an error of its own. `conflict`: a constraint forbade it. `busy`: another process kept
   * the database to itself. `full`: no space is left. `unavailable`: the database cannot be reached. `broken`: any other
   * trouble with the database or its thread, after which the operation may have been carried out all the same. `closed`:
   * the writer has ended.
   */
  readonly kind: 'refused' | 'conflict' | 'busy' | 'full' | 'unavailable' | 'broken' | 'closed'
  /** The name and the fields of what the operation threw. */
  readonly thrown: { readonly name: string; readonly fields: Readonly<Record<string, unknown>> }

  constructor(kind: WriterError['kind'], message: string, options?: ErrorOptions & { thrown?: WriterError['thrown'] }) {
    super(message, options)
    this.kind = kind
    this.thrown = options?.thrown ?? { name: 'Error', fields: {} }
  }

  /** The error that a failure in the worker is in the thread of the caller. */
  static of({ name, message, stack, fields }: Failure): WriterError {
    const { errcode } = fields
    const kind = typeof errcode === 'number' ? (kinds[errcode & 0xff] ?? 'broken') : 'refused'
    const cause = Object.assign(new Error(message), { name, stack: stack ?? message, ...fields })
    return new WriterError(kind, message, { cause, thrown: { name, fields } })
  }
}

/** The result code of SQLite without its extension; 0 for any other error. */
export const sqliteCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : 0

/** True when another connection is in the way and a later attempt may succeed. */
export const isBusy = (error: unknown): boolean => kinds[sqliteCode(error)] === 'busy'

/** An error as plain data, with those of its own fields that can be cloned. */
export const toFailure = (error: unknown): Failure => {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, fields: {} }
  const fields: Record<string, string | number | boolean> = {}
  for (const [key, value] of Object.entries(error)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') fields[key] = value
  }
  return { name: error.name, message: error.message, stack: error.stack, fields }
}
