import { type Answer, type Change, parseAnswer, parseChange } from './answer.ts'
import { MilterError } from './error.ts'
import { type MilterOptions, offer, parseOptions, type Step, steps } from './options.ts'
import { cString, encodePacket } from './packet.ts'
import { encodeSymbols, type Stage, type Symbols } from './symbols.ts'
import { type MilterAddress, Wire } from './wire.ts'

/** The client of the mail server. */
export interface Peer {
  /** Its name, or its address in square brackets when it has none. */
  readonly name: string
  /** Null where it is not known, as with Unix sockets. */
  readonly address: { readonly ip: string; readonly port: number } | { readonly path: string } | null
}

/** So many bytes of a body go into a packet. */
export const chunkSize = 65_535

/** A filter may want that much changed, leaving the body aside. */
const maxChanges = 10_000
const maxChangedBytes = 4 * 1024 * 1024

const goOn: Answer = { kind: 'continue' }

/** What is sent, and which options keep it from being sent or answered. */
interface Command {
  readonly code: string
  readonly data: readonly Uint8Array[]
  readonly unwanted?: Step
  readonly unanswered?: Step
  /** The first version that knows it. */
  readonly since?: number
  readonly symbols?: readonly [Stage, Symbols]
}

/**
 * A conversation with a mail filter in the milter protocol, versions 2 to 6: what libmilter's mfapi lets a filter see and do.
 * Steps that the filter has declined are not sent and count as `continue`. Everything throws MilterError, or what the signal
 * aborts with; the connection is closed then.
 */
export class MilterClient implements AsyncDisposable {
  readonly options: MilterOptions
  readonly #wire: Wire

  private constructor(wire: Wire, options: MilterOptions) {
    this.#wire = wire
    this.options = options
  }

  /** Connects and negotiates. `timeout` is for connecting, for each packet sent and for each one waited for; milliseconds, 0 for none. */
  static async open(to: MilterAddress, timeout: number, signal?: AbortSignal): Promise<MilterClient> {
    const wire = await Wire.open(to, timeout, signal)
    try {
      await wire.send(offer(), signal)
      return new MilterClient(wire, parseOptions(await wire.receive(signal)))
    } catch (error) {
      wire.destroy()
      throw error
    }
  }

  has(step: Step): boolean {
    return (this.options.steps & steps[step]) !== 0
  }

  connect(peer: Peer, symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'C',
        data: [cString(peer.name), ...encodeAddress(peer.address)],
        unwanted: 'noConnect',
        unanswered: 'noReplyConnect',
        symbols: ['connect', symbols],
      },
      signal,
    )
  }

  helo(name: string, symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'H',
        data: [cString(name)],
        unwanted: 'noHelo',
        unanswered: 'noReplyHelo',
        symbols: ['helo', symbols],
      },
      signal,
    )
  }

  /** The sender in angle brackets, and the parameters of MAIL. */
  mail(sender: string, parameters: readonly string[], symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'M',
        data: [sender, ...parameters].map(cString),
        unwanted: 'noMail',
        unanswered: 'noReplyMail',
        symbols: ['mail', symbols],
      },
      signal,
    )
  }

  /** A recipient in angle brackets, and the parameters of RCPT. */
  recipient(to: string, parameters: readonly string[], symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'R',
        data: [to, ...parameters].map(cString),
        unwanted: 'noRecipient',
        unanswered: 'noReplyRecipient',
        symbols: ['recipient', symbols],
      },
      signal,
    )
  }

  data(symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'T',
        data: [],
        unwanted: 'noData',
        unanswered: 'noReplyData',
        since: 4,
        symbols: ['data', symbols],
      },
      signal,
    )
  }

  /** A command of the client that the server does not know. */
  unknown(line: string, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'U',
        data: [cString(line)],
        unwanted: 'noUnknown',
        unanswered: 'noReplyUnknown',
        since: 3,
      },
      signal,
    )
  }

  /**
   * A field: `value` is what stands between its colon and its last CRLF. Folds go as LF alone, as filters expect them, and
   * blanks after the colon only where it is agreed; a NUL would end the value, and goes as a blank.
   */
  header(name: string, value: Uint8Array, signal?: AbortSignal): Promise<Answer> {
    const text = Buffer.from(value).toString('latin1').replaceAll('\r\n', '\n').replaceAll('\0', ' ')
    const shown = this.has('leadingSpace') ? text : text.replace(/^[ \t\n]+/, '')
    return this.#ask(
      {
        code: 'L',
        data: [cString(name), Buffer.from(`${shown}\0`, 'latin1')],
        unwanted: 'noHeaders',
        unanswered: 'noReplyHeader',
      },
      signal,
    )
  }

  endOfHeader(symbols: Symbols, signal?: AbortSignal): Promise<Answer> {
    return this.#ask(
      {
        code: 'N',
        data: [],
        unwanted: 'noEndOfHeader',
        unanswered: 'noReplyEndOfHeader',
        symbols: ['endOfHeader', symbols],
      },
      signal,
    )
  }

  /** A piece of the body, of at most `chunkSize` bytes. */
  body(chunk: Uint8Array, signal?: AbortSignal): Promise<Answer> {
    return this.#ask({ code: 'B', data: [chunk], unwanted: 'noBody', unanswered: 'noReplyBody' }, signal)
  }

  /** `change` is called for each change that the filter wants, in its order, before the answer is there. */
  async endOfMessage(
    symbols: Symbols,
    change: (change: Change) => Promise<void> | void,
    signal?: AbortSignal,
  ): Promise<Answer> {
    await this.#send({ code: 'E', data: [], symbols: ['endOfMessage', symbols] }, signal)
    try {
      return await this.#changes(change, signal)
    } catch (error) {
      this.#wire.destroy()
      throw error
    }
  }

  async #changes(change: (change: Change) => Promise<void> | void, signal?: AbortSignal): Promise<Answer> {
    let count = 0
    let bytes = 0
    while (true) {
      const packet = await this.#receive(signal)
      const wanted = parseChange(packet)
      if (!wanted) return parseAnswer(packet)
      if (wanted.kind !== 'body') {
        count++
        bytes += packet.data.length
      }
      if (count > maxChanges || bytes > maxChangedBytes) throw new MilterError('the filter wants too much changed')
      await change(wanted)
    }
  }

  /** Gives the message up; the next one begins with `mail`. */
  async abort(signal?: AbortSignal): Promise<void> {
    await this.#wire.send(encodePacket('A'), signal)
  }

  /** Ends the conversation about this client; the next one begins with `connect`, on the same connection. */
  async nextClient(signal?: AbortSignal): Promise<void> {
    if (this.options.version < 6) throw new MilterError('the filter takes a single client for each connection')
    await this.#wire.send(encodePacket('K'), signal)
  }

  /** Closes the connection, and tells the filter before; with `abort` also that the message is given up. */
  async quit({ abort = false } = {}): Promise<void> {
    await this.#wire.close(abort ? ['A', 'Q'] : ['Q'])
  }

  /** Closes the connection without a word. */
  destroy(): void {
    this.#wire.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.quit()
  }

  async #ask(command: Command, signal?: AbortSignal): Promise<Answer> {
    const sent = await this.#send(command, signal)
    if (!sent || (command.unanswered && this.has(command.unanswered))) return goOn
    try {
      return parseAnswer(await this.#receive(signal))
    } catch (error) {
      this.#wire.destroy()
      throw error
    }
  }

  /** Symbols are sent even where their command is not wanted: the filter may look at them at a later one. */
  async #send({ code, data, unwanted, since = 0, symbols }: Command, signal?: AbortSignal): Promise<boolean> {
    const wanted = this.options.version >= since && !(unwanted && this.has(unwanted))
    const told = symbols && this.#symbols(...symbols)
    const packets = [...(told ? [told] : []), ...(wanted ? [encodePacket(code, ...data)] : [])]
    if (packets.length > 0) await this.#wire.send(Buffer.concat(packets), signal)
    return wanted
  }

  /** Filters of old hang up when they hear of stages that they do not know. */
  #symbols(stage: Stage, known: Symbols): Buffer | undefined {
    const late = stage === 'data' || stage === 'endOfHeader' || stage === 'endOfMessage'
    if (late && this.options.version < 4) return undefined
    return encodeSymbols(stage, known, this.options.symbols.get(stage))
  }

  /** The next packet that is not just a sign of life, which buys the filter the whole time anew. */
  async #receive(signal?: AbortSignal) {
    while (true) {
      const packet = await this.#wire.receive(signal)
      if (packet.code !== 'p') return packet
    }
  }
}

const encodeAddress = (address: Peer['address']): Uint8Array[] => {
  if (!address) return [Buffer.from('U')]
  if ('path' in address) return [Buffer.from('L\0\0'), cString(address.path)]
  const head = Buffer.from(`${address.ip.includes(':') ? '6' : '4'}\0\0`)
  head.writeUInt16BE(address.port, 1)
  return [head, cString(address.ip)]
}
