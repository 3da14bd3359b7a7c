import { decode } from './octets.ts'

/** Bytes in a charset as text. What is not valid in it, or in none that is known, is read as UTF-8 or else as Latin-1. */
export function decodeCharset(bytes: Buffer, charset: string): string {
  const label = charset.trim().toLowerCase()
  if (label === '' || label === 'utf-8' || label === 'us-ascii') return decode(bytes)
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return decode(bytes)
  }
}
