import { Wire, type WireOptions } from './wire.ts'

export interface SmtpReply {
  readonly code: number
  /** The lines after their code, joined by newlines. */
  readonly text: string
}

/** The server refused; `reply` says how. */
export class SmtpRefusal extends Error {
  override readonly name = 'SmtpRefusal'
  readonly reply: SmtpReply

  constructor(command: string, reply: SmtpReply) {
    super(`${command}: ${reply.code} ${reply.text}`)
    this.reply = reply
  }
}

/** A connection to an SMTP server that says exactly what it is told to. */
export class SmtpClient implements Disposable {
  readonly wire: Wire

  private constructor(wire: Wire) {
    this.wire = wire
  }

  /** Connects, and reads the greeting. */
  static async open(port: number, options: WireOptions = {}): Promise<SmtpClient> {
    const client = new SmtpClient(await Wire.open(port, options))
    const greeting = await client.reply()
    if (greeting.code !== 220) throw new SmtpRefusal('greeting', greeting)
    return client
  }

  async reply(): Promise<SmtpReply> {
    const lines: string[] = []
    for (;;) {
      const line = await this.wire.line()
      lines.push(line.slice(4))
      if (line[3] !== '-') return { code: Number(line.slice(0, 3)), text: lines.join('\n') }
    }
  }

  async command(line: string): Promise<SmtpReply> {
    this.wire.send(`${line}\r\n`)
    return await this.reply()
  }

  /** As `command`, but throws SmtpRefusal for another code. */
  async expect(line: string, code: number): Promise<SmtpReply> {
    const reply = await this.command(line)
    if (reply.code !== code) throw new SmtpRefusal(line, reply)
    return reply
  }

  /**
   * Sends a message, with MAIL, RCPT and DATA in one write. `content` has its dots stuffed and ends with a line end. Throws
   * SmtpRefusal, WireClosed. Before the first byte of the content is sent, `begun` is called: from then on a lost connection
   * tells nothing of what became of the message.
   */
  async deliver(from: string, to: string, content: string, begun: () => void = () => {}): Promise<void> {
    this.wire.send(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`)
    const replies = [await this.reply(), await this.reply(), await this.reply()]
    for (const [index, code] of [250, 250, 354].entries()) {
      const reply = replies[index]
      if (reply && reply.code !== code) throw new SmtpRefusal(`step ${index + 1} of a delivery`, reply)
    }
    begun()
    this.wire.send(`${content}.\r\n`)
    const reply = await this.reply()
    if (reply.code !== 250) throw new SmtpRefusal('end of data', reply)
  }

  [Symbol.dispose](): void {
    this.wire[Symbol.dispose]()
  }
}
