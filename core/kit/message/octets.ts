export const LF = 10
export const CR = 13
export const SPACE = 32
export const TAB = 9
export const COLON = 58
export const DASH = 45

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The same bytes as a Buffer, without a copy. */
export function view(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** Space or tab. */
export function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB
}

/** Bytes as text: UTF-8 where they are valid as such, else Latin-1, so that no byte is lost. */
export function decode(bytes: Buffer): string {
  const latin1 = bytes.toString('latin1')
  if (!hasHigh(latin1)) return latin1
  try {
    return utf8.decode(bytes)
  } catch {
    return latin1
  }
}

/** Without spaces, tabs and line ends at both ends; other white space of Unicode stays. */
export function trim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text.charCodeAt(start))) start++
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isSpace(code: number): boolean {
  return code === SPACE || code === LF || code === CR || code === TAB
}

function hasHigh(latin1: string): boolean {
  for (let at = 0; at < latin1.length; at++) if (latin1.charCodeAt(at) > 127) return true
  return false
}
