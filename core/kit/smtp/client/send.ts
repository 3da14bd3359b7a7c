import type { Message } from '../../message/message.ts'
import { contentSize, dataContent, pieceSize, wireContent } from './content.ts'
import type { Dialogue } from './dialogue.ts'
import { uncertain } from './error.ts'
import { outOfTurn, type Reply } from './reply.ts'

/**
 * Sends the content, all of it. By BDAT where the server offers CHUNKING, unless there are several chunks and no PIPELINING,
 * so that each would have to wait for the one before; otherwise by DATA. Octets above 127 make no difference, as both carry
 * them alike. What is left are the replies that tell what became of it.
 *
 * Throws SmtpError when the server does not want it, and what reading the body throws. Unless DATA itself was refused, the
 * connection is closed then, so that nothing that is incomplete can be taken for the whole.
 */
export const sendContent = async (dialogue: Dialogue, message: Message, chunking: boolean): Promise<void> => {
  await dialogue.idle()
  const byChunks = chunking && (dialogue.pipelining || contentSize(message) <= pieceSize)
  if (byChunks) dialogue.checkSilence()
  else await dialogue.demand('DATA', 3)
  try {
    await (byChunks ? sendChunks(dialogue, message) : sendData(dialogue, message))
  } catch (error) {
    dialogue.wire.destroy()
    throw error
  }
}

/** DATA, after its 354 (RFC 5321 §4.1.1.4). A reply before its end can only say that there is no use in going on. */
const sendData = async ({ wire, options }: Dialogue, message: Message): Promise<void> => {
  const look = () => {
    const reply = wire.takeReply()
    if (reply) throw outOfTurn(reply, options.fields)
  }
  for await (const { piece, last } of marked(dataContent(message))) {
    // The reply to the last piece may be there before there is room for another.
    if (last) wire.send(piece)
    else await wire.write(piece, options.timeout, look)
  }
}

/** BDAT (RFC 3030). Chunks do not wait for the replies to those before, but the first refusal ends it. */
const sendChunks = async (dialogue: Dialogue, message: Message): Promise<void> => {
  const { wire, options } = dialogue
  let unanswered = 0
  const take = (reply: Reply) => {
    unanswered--
    dialogue.heard(reply)
    dialogue.check(reply, 2)
  }
  const look = () => {
    for (let reply = wire.takeReply(); reply; reply = wire.takeReply()) {
      if (unanswered === 0) throw outOfTurn(reply, options.fields)
      take(reply)
    }
  }
  for await (const { piece, last } of marked(wireContent(message))) {
    const command = `BDAT ${piece.length}${last ? ' LAST' : ''}`
    options.trace?.(`C: ${command}`)
    const chunk = Buffer.concat([Buffer.from(`${command}\r\n`), piece])
    if (last) wire.send(chunk)
    else {
      unanswered++
      await wire.write(chunk, options.timeout, look)
    }
  }
  while (unanswered > 0) take(await wire.reply(options.timeout).catch((error) => Promise.reject(uncertain(error))))
}

async function* marked(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ readonly piece: Uint8Array; readonly last: boolean }> {
  let held: Uint8Array | undefined
  for await (const piece of pieces) {
    if (held) yield { piece: held, last: false }
    held = piece
  }
  if (held) yield { piece: held, last: true }
}
