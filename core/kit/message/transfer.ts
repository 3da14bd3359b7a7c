import { isBlank, LF } from './octets.ts'

/** Undoes a Content-Transfer-Encoding (RFC 2045 §6). Other than base64 and quoted-printable leave bytes as they are. */
export function decodeTransfer(bytes: Buffer, encoding: string): Buffer {
  const [, name = ''] = /^\s*([^\s;(]+)/.exec(encoding.toLowerCase()) ?? []
  if (name === 'base64') return Buffer.from(bytes.toString('latin1'), 'base64')
  return name === 'quoted-printable' ? decodeQuotedPrintable(bytes) : bytes
}

/** RFC 2045 §6.7; an equals sign that starts no code stays. */
export function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const decoded = Buffer.allocUnsafe(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; ) {
    const octet = bytes[at] ?? 0
    const soft = octet === 61 ? softBreak(bytes, at + 1) : 0
    const coded = octet === 61 && soft === 0 ? hexPair(bytes, at + 1) : -1
    if (soft === 0) decoded[length++] = coded < 0 ? octet : coded
    at += soft > 0 ? soft + 1 : coded < 0 ? 1 : 3
  }
  return decoded.subarray(0, length)
}

/** How long the blanks and the line end after a last equals sign are; 0 when it is none. */
function softBreak(bytes: Buffer, start: number): number {
  let at = start
  while (isBlank(bytes[at]) && at - start < 100) at++
  if (bytes[at] === 13) at++
  return bytes[at] === LF ? at + 1 - start : 0
}

function hexPair(bytes: Buffer, at: number): number {
  const high = hexDigit(bytes[at])
  const low = hexDigit(bytes[at + 1])
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

function hexDigit(octet = 0): number {
  if (octet >= 48 && octet <= 57) return octet - 48
  const letter = octet | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
