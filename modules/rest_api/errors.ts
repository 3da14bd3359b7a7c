import { StorageError, UserError } from '../../core/index.ts'

/** What is wrong with one field of a body or one parameter. */
export interface FieldError {
  readonly field: string
  /** The keyword of the schema, or the rule, that it breaks. */
  readonly rule: string
  readonly message: string
}

interface ApiErrorOptions extends ErrorOptions {
  readonly errors?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>>
  /** Answered without a body: a user, an account or a quota that does not exist. */
  readonly empty?: boolean
}

/** What a request is refused with. The message is for a stranger; `cause` is for the log. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly errors: readonly FieldError[]
  readonly headers: Readonly<Record<string, string>>
  readonly empty: boolean

  constructor(
    status: number,
    message: string,
    { errors = [], headers = {}, empty = false, ...options }: ApiErrorOptions = {},
  ) {
    super(message, options)
    this.status = status
    this.errors = errors
    this.headers = headers
    this.empty = empty
  }
}

export const invalid = (field: string, rule: string, message: string): ApiError =>
  new ApiError(400, `${field}: ${message}`, { errors: [{ field, rule, message }] })

export const missing = (): ApiError => new ApiError(404, 'Not Found', { empty: true })

export const conflict = (message: string): ApiError => new ApiError(409, message)

export const unavailable = (cause: unknown): ApiError =>
  new ApiError(503, 'The server cannot do this now', { cause, headers: { 'Retry-After': '10' } })

/**
 * Does something with credentials or mailboxes. What they refuse is thrown as it is; a fault of the program too; everything
 * else is an outage, and thrown as a 503 that does not say which.
 */
export const dependably = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof UserError || error instanceof StorageError || error instanceof ApiError) throw error
    if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) throw error
    throw unavailable(error)
  }
}

/** True when that is what an operation throws for a user or an account that is not there. */
export const isMissing = (error: unknown): boolean => isKind(error, 'missing')

/** True when that is what an operation throws for a user or an account that is there already. */
export const isExisting = (error: unknown): boolean => isKind(error, 'exists')

const isKind = (error: unknown, kind: 'missing' | 'exists'): boolean =>
  (error instanceof UserError || error instanceof StorageError) && error.kind === kind

/** Waits for what may find that a user or an account is not there: then it throws a 404 without a body. */
export const orMissing = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work
  } catch (error) {
    throw isMissing(error) ? missing() : error
  }
}
