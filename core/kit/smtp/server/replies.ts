import type { Socket } from 'node:net'

/** How much gathers before it is sent in any case, in UTF-16 code units: a client that reads nothing is to be noticed. */
const most = 16_384

/** The lines of a reply with their CRLF (RFC 5321 §4.2.1). Characters that the client did not ask for are replaced. */
export const formatReply = (code: number, lines: readonly string[], utf8: boolean): string => {
  let text = ''
  for (let at = 0; at < lines.length; at++) {
    text += `${code}${at < lines.length - 1 ? '-' : ' '}${legible(lines[at] ?? '', utf8)}\r\n`
  }
  return text
}

/** Texts may come from anywhere, and a control character could begin another reply. */
const legible = (text: string, utf8: boolean): string => {
  if (/^[ -~]*$/.test(text)) return text
  const line = text.replace(/\p{Cc}/gu, ' ')
  return utf8 ? line : line.replace(/[^ -~]/gu, '?')
}

/** Lets the replies to commands that came together leave together (RFC 2920 §3.2), in one piece. */
export class Replies {
  #text = ''
  #utf8 = false
  #socket: Socket | undefined
  readonly #flush = () => this.flush()

  /** Sends a text soon; unless `utf8`, it is ASCII. */
  add(text: string, utf8: boolean, socket: Socket): void {
    if (this.#text === '') process.nextTick(this.#flush)
    this.#socket = socket
    this.#utf8 ||= utf8
    this.#text += text
    if (this.#text.length > most) this.flush()
  }

  /** Sends at once what has gathered. */
  flush(): void {
    const text = this.#text
    this.#text = ''
    if (text !== '' && this.#socket?.writable) this.#socket.write(text, this.#utf8 ? 'utf8' : 'latin1')
    this.#utf8 = false
  }
}
