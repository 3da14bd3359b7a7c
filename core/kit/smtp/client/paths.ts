import type { Address } from '../../address/address.ts'
import { isAscii, wireAddress } from '../../address/index.ts'
import { SmtpError } from '../error.ts'

/**
 * The path of MAIL, without brackets; null is `<>`. Without SMTPUTF8 a domain goes in A-labels, and a local part that is not
 * ASCII cannot go at all (RFC 6531 §3.2). Throws SmtpError.
 */
export const senderPath = (address: Address | null, smtputf8: boolean): string => {
  if (address === null) return ''
  if (!smtputf8 && !isAscii(address.local)) {
    throw SmtpError.permanent(550, '5.6.7', 'SMTPUTF8 is unsupported, cannot convert sender address')
  }
  return written(address, smtputf8, (cause) =>
    SmtpError.permanent(501, '5.1.7', 'The sender address cannot be sent', { cause }),
  )
}

/** As `senderPath`, for RCPT. */
export const recipientPath = (address: Address, smtputf8: boolean): string => {
  if (!smtputf8 && !isAscii(address.local)) {
    throw SmtpError.permanent(553, '5.6.7', 'SMTPUTF8 is unsupported, cannot convert recipient address')
  }
  return written(address, smtputf8, (cause) =>
    SmtpError.permanent(553, '5.1.3', 'The recipient address cannot be sent', { cause }),
  )
}

/** Nothing in an address may end its path, or begin a parameter. */
const written = (address: Address, smtputf8: boolean, refuse: (cause: unknown) => SmtpError): string => {
  try {
    if (/[\s<>]/.test(address.domain)) throw new RangeError('a domain holds blanks or brackets')
    return wireAddress(address, smtputf8)
  } catch (cause) {
    throw refuse(cause)
  }
}
