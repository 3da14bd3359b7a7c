import { isUtf8 } from 'node:buffer'
import type { Report } from './report.ts'

/** How large a file of the configuration may be, in bytes. */
export const maxFileSize = 8 * 1024 * 1024

/** The text of a file. Bytes that are no UTF-8 become U+FFFD; a warning says where the first of them stand. */
export const decode = (content: Uint8Array | string, file: string, report: Report): string => {
  if (typeof content === 'string') return content
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(content)
  if (!isUtf8(content))
    report.warn(firstInvalid(content, file), 'this is not UTF-8; what cannot be read becomes U+FFFD')
  return text
}

const firstInvalid = (content: Uint8Array, file: string) => {
  let [line, start] = [1, 0]
  for (;;) {
    const end = content.indexOf(0x0a, start)
    const bytes = content.subarray(start, end < 0 ? content.length : end)
    if (end < 0 || !isUtf8(bytes)) return { file, line, column: columnOfInvalid(bytes) }
    start = end + 1
    line++
  }
}

// A U+FFFD may also be written, correctly, before the first that stands for bytes that are not; so what was read is
// written again and compared. `stream` leaves out a character of which the bytes before the difference are but a part.
const columnOfInvalid = (bytes: Uint8Array): number => {
  const written = Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
  const same = written.findIndex((byte, index) => byte !== bytes[index])
  const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(written.subarray(0, same), { stream: true })
  return before.length + 1
}
