type Temporary = 421 | 430 | 450 | 451 | 452 | 453 | 454 | 455
type Permanent = 500 | 501 | 502 | 503 | 504 | 521 | 523 | 530 | 535 | 550 | 551 | 552 | 553 | 554 | 555 | 556
type Details = ErrorOptions & { readonly [field: string]: unknown }

/**
 * A failure with an SMTP reply (RFC 5321 §4.2, RFC 3463). The message is for the client and names no host, path, user or
 * policy; `cause` and `fields` are for the log alone.
 */
export class SmtpError extends Error {
  override readonly name = 'SmtpError'
  readonly code: number
  /** `class.subject.detail`; its class is the first digit of `code`, but for what an administrator wrote. */
  readonly enhanced: string
  readonly fields: Readonly<Record<string, unknown>>

  private constructor(code: number, enhanced: string, message: string, { cause, ...fields }: Details) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.enhanced = enhanced
    this.fields = fields
  }

  static temporary(
    code: Temporary,
    enhanced: `4.${number}.${number}`,
    message: string,
    details: Details = {},
  ): SmtpError {
    return new SmtpError(code, enhanced, message, details)
  }

  static permanent(
    code: Permanent,
    enhanced: `5.${number}.${number}`,
    message: string,
    details: Details = {},
  ): SmtpError {
    return new SmtpError(code, enhanced, message, details)
  }

  /**
   * A reply that was written in a configuration or came from another server. Throws RangeError when the code is not 4yz or
   * 5yz, or the enhanced code is not three numbers of which the first is 4 or 5.
   */
  static given(code: number, enhanced: string, message: string, details: Details = {}): SmtpError {
    if (!Number.isInteger(code) || code < 400 || code > 599)
      throw new RangeError(`${code} is no code of a refusal (400 to 599)`)
    if (!/^[45]\.\d{1,3}\.\d{1,3}$/.test(enhanced))
      throw new RangeError(`${enhanced} is no enhanced code such as 5.7.1`)
    return new SmtpError(code, enhanced, message, details)
  }

  /** What a client hears of any failure: one that nobody foresaw is ours, and worth another try. */
  static from(error: unknown): SmtpError {
    return error instanceof SmtpError
      ? error
      : SmtpError.temporary(451, '4.3.0', 'Internal server error', { cause: error })
  }

  /** The same failure, with more for the log; what it tells already stands. */
  noting(fields: Readonly<Record<string, unknown>>): SmtpError {
    const { code, enhanced, message, cause } = this
    return new SmtpError(code, enhanced, message, { ...fields, ...this.fields, ...(cause !== undefined && { cause }) })
  }

  get temporary(): boolean {
    return this.code < 500
  }
}
