import { ImapError } from '../../../core/kit/imap/error.ts'

/** Turns the octets of a string into text. Throws ImapError for octets the charset does not have. */
export type Decode = (octets: Uint8Array) => string

/** How strings in a charset are read. Throws ImapError BADCHARSET for one that is not known. */
export function decoder(charset: string): Decode {
  const label = /^us-ascii$/i.test(charset) ? 'utf-8' : charset // ASCII is part of it, and what is more cannot hurt
  try {
    const decoding = new TextDecoder(label, { fatal: true, ignoreBOM: true })
    return (octets) => decode(decoding, octets)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new ImapError('NO', 'BADCHARSET (US-ASCII UTF-8)', 'Unknown charset', { cause })
  }
}

const decode = (decoding: InstanceType<typeof TextDecoder>, octets: Uint8Array): string => {
  try {
    return decoding.decode(octets)
  } catch (cause) {
    throw ImapError.bad('A string is not in the charset', { cause })
  }
}
