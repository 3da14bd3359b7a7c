import { Wire, type WireOptions } from './wire.ts'

/** A line of the server: its text with each literal cut out as `{}`, and the literals. */
export interface ImapLine {
  readonly text: string
  readonly literals: readonly Buffer[]
}

export interface ImapAnswer {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** After the status. */
  readonly text: string
  readonly untagged: readonly ImapLine[]
}

/** The server refused; `answer` says how. */
export class ImapRefusal extends Error {
  override readonly name = 'ImapRefusal'
  readonly answer: ImapAnswer

  constructor(command: string, answer: ImapAnswer) {
    super(`${command.slice(0, 60)}: ${answer.status} ${answer.text}`)
    this.answer = answer
  }
}

/** A connection to an IMAP server that says exactly what it is told to. */
export class ImapClient implements Disposable {
  readonly wire: Wire
  #tags = 0

  private constructor(wire: Wire) {
    this.wire = wire
  }

  /** Connects, and reads the greeting. */
  static async open(port: number, options: WireOptions = {}): Promise<ImapClient> {
    const client = new ImapClient(await Wire.open(port, options))
    const { text } = await client.line()
    if (!text.startsWith('* OK')) throw new Error(`greeting: ${text}`)
    return client
  }

  /** Connects, logs in and, when asked to, selects a mailbox. */
  static async login(
    port: number,
    { user, password, mailbox, ...options }: WireOptions & { user: string; password: string; mailbox?: string },
  ): Promise<ImapClient> {
    const client = await ImapClient.open(port, options)
    await client.ok(`LOGIN "${user}" "${password}"`)
    if (mailbox !== undefined) await client.ok(`SELECT ${mailbox}`)
    return client
  }

  async line(): Promise<ImapLine> {
    const literals: Buffer[] = []
    let text = ''
    for (;;) {
      text += await this.wire.line()
      const [mark, length] = /\{(\d+)\}$/.exec(text) ?? []
      if (mark === undefined) return { text, literals }
      text = `${text.slice(0, -mark.length)}{}`
      literals.push(await this.wire.bytes(Number(length)))
    }
  }

  /** Sends a command without waiting for its end. Returns its tag. */
  begin(command: string): string {
    const tag = `a${++this.#tags}`
    this.wire.send(`${tag} ${command}\r\n`)
    return tag
  }

  /** Reads up to the end of the command with that tag. */
  async end(tag: string): Promise<ImapAnswer> {
    const untagged: ImapLine[] = []
    for (;;) {
      const line = await this.line()
      if (!line.text.startsWith(`${tag} `)) {
        untagged.push(line)
        continue
      }
      const [, status = '', text = ''] = /^\S+ (\S+) ?(.*)$/s.exec(line.text) ?? []
      return { status: status as ImapAnswer['status'], text, untagged }
    }
  }

  async command(command: string): Promise<ImapAnswer> {
    return await this.end(this.begin(command))
  }

  /** As `command`, but throws ImapRefusal unless it is answered OK. */
  async ok(command: string): Promise<readonly ImapLine[]> {
    const answer = await this.command(command)
    if (answer.status !== 'OK') throw new ImapRefusal(command, answer)
    return answer.untagged
  }

  /** Sends IDLE, and resolves once it is in force. Ends when `DONE` is sent and the tag has been waited for. */
  async idle(): Promise<string> {
    const tag = this.begin('IDLE')
    for (;;) if ((await this.line()).text.startsWith('+')) return tag
  }

  [Symbol.dispose](): void {
    this.wire[Symbol.dispose]()
  }
}
