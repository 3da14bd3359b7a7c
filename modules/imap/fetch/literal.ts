import { ConnectionClosed } from '../../../core/kit/imap/error.ts'
import type { Output } from '../../../core/kit/imap/output.ts'
import type { Body } from '../../../core/kit/message/message.ts'

/**
 * Streams a stretch of a body as a literal. Once its length has been announced there is no way back: when it cannot be read
 * to its end, the connection has to be closed, and ConnectionClosed is thrown.
 */
export async function writeLiteral(body: Body, from: number, to: number, out: Output): Promise<void> {
  const length = Math.max(0, to - from)
  out.text(`{${length}}\r\n`)
  if (length === 0) return
  if (body.memory) return out.bytes(body.memory.subarray(from, to))
  let sent = 0
  try {
    for await (const chunk of body.read(from, length)) {
      sent += chunk.length
      out.bytes(chunk)
      if (out.full) await out.drain()
    }
  } catch (cause) {
    throw cause instanceof ConnectionClosed ? cause : new ConnectionClosed('a message cannot be read', { cause })
  }
  if (sent !== length) throw new ConnectionClosed('a message is shorter than it was')
}
