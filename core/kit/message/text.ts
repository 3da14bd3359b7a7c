import { bytesOf } from './body.ts'
import { decodeCharset } from './charset.ts'
import { describeContent } from './content.ts'
import { htmlToText, readsAll } from './html.ts'
import type { Body } from './message.ts'
import { decode } from './octets.ts'
import type { Structure } from './structure.ts'
import { decodeTransfer } from './transfer.ts'
import { decodeHeaderValue } from './words.ts'

export { decodeHeaderValue } from './words.ts'

/** HTML longer than this is read here, even where that does not know all it says. */
const maxHtml = 256 * 1024

/** So much of a part is searched, in bytes as encoded. */
const maxPart = 4 * 1024 * 1024

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
    if (part.MIMESubType === 'html' && /[<&]/.test(text)) yield await htmlText(text)
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

/**
 * HTML as a reader sees it. mailparser knows all of HTML, at milliseconds a page, which is long for a search of many: it comes
 * in where there is something that cannot be read without it.
 */
async function htmlText(html: string): Promise<string> {
  if (html.length > maxHtml || readsAll(html)) return htmlToText(html)
  const { simpleParser } = await import('mailparser')
  const message = Buffer.concat([Buffer.from('Content-Type: text/html; charset=utf-8\r\n\r\n'), Buffer.from(html)])
  const { text } = await simpleParser(message, { skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true })
  return text ?? ''
}
