import { HeaderError, parseHeader, splitMessage } from '../../../core/kit/message/index.ts'

/** Bytes; a program that prints more before an empty line prints no header. */
const longest = 64 * 1024

/**
 * The fields that a program prints, up to an empty line or the end, with a CRLF at the end of each line; what follows the
 * empty line is thrown away. Throws HeaderError as soon as what comes is no header.
 */
export const readFields = async (output: AsyncIterable<Buffer>): Promise<Uint8Array[]> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of output) {
    if (size > longest) continue
    chunks.push(chunk)
    size += chunk.length
    if (size > longest && !isComplete(Buffer.concat(chunks))) throw new HeaderError('the header is too long')
  }
  const printed = Buffer.concat(chunks)
  const header = printed.toString('latin1', 0, splitMessage(printed).headerEnd).replaceAll('\r\n', '\n')
  if (/[\r\0]/.test(header)) throw new HeaderError('the header has a control character that no field may have')
  return parseHeader(Buffer.from(header.replaceAll('\n', '\r\n'), 'latin1')).fields.map(({ raw }) => raw)
}

const isComplete = (printed: Buffer): boolean => splitMessage(printed).bodyStart > splitMessage(printed).headerEnd
