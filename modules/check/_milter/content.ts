import type { Body, Field, Message } from '../../../core/index.ts'
import { type Answer, chunkSize, type MilterClient, type Symbols } from '../../../core/kit/milter/index.ts'

/** The body of the message could not be read, which is nobody's fault but ours. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody'
}

/** Shows a filter the content of a message, and gives its answer to each step; whoever takes them may stop at any. */
export async function* showContent(
  client: MilterClient,
  { header, body }: Message,
  symbols: Symbols,
  signal: AbortSignal,
): AsyncGenerator<Answer> {
  yield await client.data(symbols, signal)
  for (const field of client.has('noHeaders') ? [] : header.fields) {
    const answer = await client.header(field.name, valueBytes(field), signal)
    if (answer.kind === 'skip') break
    yield answer
  }
  yield await client.endOfHeader(symbols, signal)
  if (client.has('noBody')) return
  for await (const chunk of chunksOf(body)) {
    const answer = await client.body(chunk, signal)
    if (answer.kind === 'skip') break
    yield answer
  }
}

/** What stands between the colon and the last line end. */
const valueBytes = ({ raw }: Field): Uint8Array => {
  const end = raw[raw.length - 2] === 13 ? -2 : -1
  return raw.subarray(raw.indexOf(58) + 1, end)
}

/** As few packets as can be: a filter may have to answer each. */
async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = Buffer.alloc(0)
  try {
    for await (const chunk of body.read()) {
      rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
      for (; rest.length >= chunkSize; rest = rest.subarray(chunkSize)) yield rest.subarray(0, chunkSize)
    }
  } catch (cause) {
    throw new UnreadableBody('a body could not be read', { cause })
  }
  if (rest.length > 0) yield rest
}
