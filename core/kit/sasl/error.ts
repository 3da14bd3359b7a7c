/**
 * What went wrong with an exchange: `malformed` is no answer at all, `authzid` asks to act as someone else, `refused` is well
 * formed and does not belong here, such as a channel binding of another connection.
 */
export class SaslError extends Error {
  override readonly name = 'SaslError'
  readonly kind: 'malformed' | 'authzid' | 'refused'

  constructor(kind: SaslError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** The one text for all that cannot be read. */
export const malformed = (): SaslError => new SaslError('malformed', 'sasl: invalid response')

/** Acting as somebody else is offered by no mechanism. */
export const foreignAuthzid = (): SaslError => new SaslError('authzid', 'sasl: authorization identity refused')

/** A response as text. Throws SaslError when it is not UTF-8, or holds a NUL. */
export const textOf = (response: Uint8Array): string => {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(response)
    if (!text.includes('\0')) return text
  } catch {} // told below
  throw malformed()
}
