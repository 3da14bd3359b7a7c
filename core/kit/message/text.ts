import { bytesOf } from './body.ts'
import { decodeCharset } from './charset.ts'
import { describeContent } from './content.ts'
import type { Body } from './message.ts'
import { decode } from './octets.ts'
import type { Structure } from './structure.ts'
import { decodeTransfer } from './transfer.ts'
import { decodeHeaderValue } from './words.ts'

export { decodeHeaderValue } from './words.ts'

/** So much of a part is searched, in bytes as encoded. */
const maxPart = 4 * 1024 * 1024

/** HTML longer than this is searched as it is written. */
const maxHtml = 256 * 1024

/**
 * What a person would search a message's body for: its text parts, decoded, and the headers of attached messages, one
 * string each. Of HTML comes the source, then the text as it would be read. At most one part is in memory at a time.
 */
export async function* searchableText(content: Body, structure: Structure): AsyncGenerator<string> {
  const located = structure.At ? structure : (await describeContent(content)).structure
  for (const part of textParts(located)) {
    const [header, body, end] = part.At ?? [0, 0, 0]
    if (part.MIMEType !== 'text') {
      yield decodeHeaderValue(decode(await bytesOf(content, header, Math.min(body - header, maxPart))))
      continue
    }
    const bytes = await bytesOf(content, body, Math.min(end - body, maxPart))
    const text = decodeCharset(decodeTransfer(bytes, part.Encoding), part.Params?.charset ?? '')
    yield text
    if (part.MIMESubType === 'html' && text.length <= maxHtml && /[<&]/.test(text)) yield await htmlText(text)
  }
}

/** The text parts, and the messages inside, of which the header counts. */
function* textParts(part: Structure): Generator<Structure> {
  if (part.MIMEType === 'text') yield part
  for (const inner of part.Parts ?? []) yield* textParts(inner)
  if (!part.BodyStructure) return
  const { At, ...message } = part.BodyStructure
  yield { ...message, MIMEType: 'message', ...(At && { At }) }
  yield* textParts(part.BodyStructure)
}

/** HTML as a reader sees it. mailparser is heavy, and comes in with the first message that has any. */
async function htmlText(html: string): Promise<string> {
  const { simpleParser } = await import('mailparser')
  const message = Buffer.concat([Buffer.from('Content-Type: text/html; charset=utf-8\r\n\r\n'), Buffer.from(html)])
  const { text } = await simpleParser(message, { skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true })
  return text ?? ''
}
