import { decodeCharset } from './charset.ts'
import { decodeQuotedPrintable } from './transfer.ts'

const word = /=\?([^?\s]+)\?([bq])\?([^?]*)\?=/gi

/** The text that a field's value stands for (RFC 2047). Words that make no sense stay as they are written. */
export function decodeHeaderValue(raw: string): string {
  if (!raw.includes('=?')) return raw
  let text = ''
  let end = 0
  let pending: { charset: string; bytes: Buffer[] } | undefined
  const flush = () => {
    if (pending) text += decodeCharset(Buffer.concat(pending.bytes), pending.charset)
    pending = undefined
  }
  for (const found of raw.matchAll(word)) {
    const [whole, charset = '', encoding = '', content = ''] = found
    const between = raw.slice(end, found.index)
    // Blanks between encoded words do not count, and a character may be spread over two words.
    const joins = pending !== undefined && /^\s*$/.test(between)
    const [name = ''] = charset.toLowerCase().split('*', 1)
    if (!joins || pending?.charset !== name) flush()
    if (!joins) text += between
    pending ??= { charset: name, bytes: [] }
    pending.bytes.push(encoding.toLowerCase() === 'b' ? Buffer.from(content, 'base64') : decodeQ(content))
    end = found.index + whole.length
  }
  flush()
  return text + raw.slice(end)
}

/**
 * Unicode as encoded words of at most 75 characters (RFC 2047 §2), for places that take only ASCII; ASCII stays as it is.
 */
export function encodeHeaderValue(text: string): string {
  if (/^[\x20-\x7e\t]*$/.test(text)) return text
  const words: string[] = []
  let piece = ''
  for (const char of text) {
    if (piece !== '' && Buffer.byteLength(piece + char) > 45) {
      words.push(piece)
      piece = ''
    }
    piece += char
  }
  return [...words, piece].map((part) => `=?utf-8?B?${Buffer.from(part).toString('base64')}?=`).join(' ')
}

function decodeQ(content: string): Buffer {
  return decodeQuotedPrintable(Buffer.from(content.replaceAll('_', ' ')))
}
