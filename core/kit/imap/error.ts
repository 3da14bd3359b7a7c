/** A failure with a tagged IMAP response: NO or BAD, a response code without its brackets (RFC 5530), and a text. */
export class ImapError extends Error {
  override readonly name = 'ImapError'
  readonly status: 'NO' | 'BAD'
  readonly code: string | undefined

  constructor(status: 'NO' | 'BAD', code: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }

  /** What the client sent cannot be understood, or not here. */
  static bad(message: string, options?: ErrorOptions): ImapError {
    return new ImapError('BAD', undefined, message, options)
  }
}

/** The connection cannot go on: `* BYE` with this text, and it is closed. */
export class ImapBye extends Error {
  override readonly name = 'ImapBye'
}

/** There is nobody to answer any more. */
export class ConnectionClosed extends Error {
  override readonly name = 'ConnectionClosed'

  constructor(message = 'connection closed', options?: ErrorOptions) {
    super(message, options)
  }
}
