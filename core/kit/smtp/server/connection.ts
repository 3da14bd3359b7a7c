import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import type { SaslChannel } from '../../sasl/index.ts'
import { tlsChannel } from '../../tls/channel.ts'
import { tlsState } from '../../tls/state.ts'
import type { TlsState } from '../envelope.ts'
import { SmtpError } from '../error.ts'
import { runCommand } from './commands.ts'
import { Deadline } from './deadline.ts'
import type { ConversationOptions, ServerOptions } from './options.ts'
import { LineTooLong, Parser } from './parser.ts'
import type { Receiver } from './receiver.ts'
import { formatReply, Replies } from './replies.ts'
import type { SmtpServer } from './server.ts'
import { abandon, type Transaction } from './transaction.ts'

/** How many protocol errors a client may make before one more ends the connection. */
const maxErrors = 3
/** How long a TLS handshake may take; milliseconds. */
const handshakeTimeout = 60_000

const gone = () => SmtpError.temporary(421, '4.4.0', 'Connection error, sorry')

/**
 * One client. The package reads lines, keeps commands in order, closes and puts on TLS; the words are ours, and so are all
 * commands (`commands.ts`), the content (`parser.ts`) and the timeouts.
 */
export class Connection extends SMTPConnection {
  readonly options: ServerOptions
  /** There as soon as anything is read. */
  receiver!: Receiver
  greeted = false
  authenticated = false
  /** Replies may have characters beyond ASCII (RFC 6531 §3.7.4). */
  utf8 = false
  transaction: Transaction | undefined
  /** Takes the next line, which is no command but an answer. */
  answer: ((line: string) => void | Promise<void>) | undefined
  declare _parser: Parser | false
  readonly #conversation: ConversationOptions
  readonly #deadline: Deadline
  readonly #replies = new Replies()
  readonly #onStop = () => this.#stopWhenIdle()
  readonly #closed = Promise.withResolvers<void>()
  /** The socket that is not wrapped by another, also while a handshake goes on. */
  #outermost: Socket
  #working: Promise<void> | boolean = false
  #errors = 0

  constructor(server: SmtpServer, socket: Socket, conversation: ConversationOptions) {
    super(server, socket)
    this.options = server.conversation
    this.#conversation = conversation
    this.#outermost = socket
    this.secure = this.session.secure = conversation.secure ?? false
    this.#deadline = new Deadline(this.options, {
      busy: () => this.#working !== false,
      silent: () => this.#timedOut(),
      stuck: () => this.#outermost.destroy(),
    })
  }

  /** See `SmtpServer.converse`. */
  async converse(open: () => Receiver | Promise<Receiver>): Promise<void> {
    if (this._socket.closed) return void this._server.connections.delete(this)
    this._socket.on('close', (hadError) => this._onCloseEvent(hadError))
    this._socket.on('error', (error) => this._onError(error))
    this.#conversation.stop?.addEventListener('abort', this.#onStop)
    this._sendGreeting()
    this.#deadline.expectInput()
    try {
      const opening = open()
      this.receiver = opening instanceof Promise ? await opening : opening
      if (this._parser) this._socket.pipe(this._parser)
      this.#stopWhenIdle()
    } catch (error) {
      this.#conversation.failed?.(error)
      this.#outermost.destroy()
    }
    await this.#closed.promise
    await this.#working
    await abandon(this)
    await this.receiver?.close()
  }

  /** How the client's side is encrypted; null when it is not. */
  get tls(): TlsState | null {
    return this.secure && this._socket instanceof TLSSocket ? tlsState(this._socket) : null
  }

  /** What SASL may use of the client's TLS; null without. */
  get channel(): SaslChannel | null {
    return this.secure && this._socket instanceof TLSSocket ? tlsChannel(this._socket) : null
  }

  /** The parser, while the connection is open. */
  get parser(): Parser {
    if (this._parser === false) throw gone()
    return this._parser
  }

  /** Sends a reply; an empty enhanced code is left out. */
  reply(code: number, enhanced: string, text: string): void {
    this.send(code, enhanced === '' ? text : `${enhanced} ${text}`)
  }

  /** In place of the package's, which has nothing to say to a client that has closed its side. */
  override send(code: number, data: string | string[] | null = ''): void {
    const lines = typeof data === 'string' ? [data] : (data ?? [])
    // While a handshake goes on, the socket is the one below TLS.
    if (!this._upgrading && this._socket.writable) {
      this.#replies.add(formatReply(code, lines, this.utf8), this.utf8, this._socket)
    }
    const { dialogue } = this.#conversation
    if (dialogue) for (const line of lines) dialogue(`S: ${code} ${line}`)
  }

  /** Says why the connection ends, and ends it. A 421 that a receiver refuses a command with ends nothing. */
  #farewell(enhanced: string, text: string): void {
    this.reply(421, enhanced, text)
    this.close()
  }

  override close(): void {
    this.#replies.flush()
    super.close()
  }

  /** Refuses what is no command; a client that goes on like this is cut off. */
  protocolError(code: 500 | 501, text: string): void {
    this.reply(code, '5.5.2', text)
    if (++this.#errors <= maxErrors) return
    this.reply(500, '5.5.1', 'Too many errors. Quiting now')
    this.close()
  }

  /** Runs what is to be done with what the client sent, says what came of it, and calls `next`. */
  work(task: () => void | Promise<void>, next: () => void): void {
    this.#working = true
    try {
      const running = task()
      if (running instanceof Promise) {
        this.#working = running.catch((error) => this.#refuse(error)).then(() => this.#worked(next))
        return
      }
    } catch (error) {
      this.#refuse(error)
    }
    this.#worked(next)
  }

  #worked(next: () => void): void {
    this.#working = false
    this.#deadline.expectInput(this._upgrading ? handshakeTimeout : undefined)
    this.#stopWhenIdle()
    this._whenWritable(next)
  }

  #refuse(error: unknown): void {
    if (error instanceof SmtpError) {
      this.reply(error.code, error.enhanced, error.message)
      return
    }
    this.#conversation.crashed?.(error)
    this.#farewell('4.0.0', 'Internal server error')
  }

  override _onCommand(command: Buffer, next: () => void = () => {}): void {
    if (this._upgrading || this._closing) next()
    else this.work(() => this.#run(command.toString()), next)
  }

  #run(line: string): void | Promise<void> {
    const { answer } = this
    this.#conversation.dialogue?.(`C: ${answer ? '***' : line.replace(/^(AUTH +\S+ +).*$/i, '$1***')}`)
    this.answer = undefined
    if (answer) return answer(line)
    return runCommand(this, line)
  }

  /** Begins TLS; what the client sent before the handshake is dropped by the package. */
  startTls(): void {
    this.#replies.flush()
    this.upgrade(
      () => {}, // the old parser goes on by itself, to throw away what it holds
      () => {
        this.greeted = false
        this.authenticated = false
        this.receiver.secured()
      },
    )
    const tls = this.#outermost
    tls.once('end', () => {
      if (this._upgrading) tls.destroy() // who has closed its side cannot go on with the handshake
    })
  }

  override _sendGreeting(): void {
    this.reply(220, '', `${this.name} ${this.options.protocol === 'lmtp' ? 'LMTP' : 'ESMTP'} Service Ready`)
  }

  /** Called by the package, also before the fields of this class are there. */
  override _createParser(): Parser {
    const { maxLineLength } = (this._server as SmtpServer).conversation
    const parser = new Parser({ maxCommandLength: maxLineLength - 1 }) // a CR may be among the octets it counts
    parser.oncommand = (line, next) => this._onCommand(line, next)
    parser.on('finish', () => this.#inputEnded())
    parser.on('error', (error) => {
      if (!(error instanceof LineTooLong)) return this.#refuse(error)
      this.hangUp()
    })
    return parser
  }

  /** The client has closed its side, and all that it sent before has been answered. What it left unfinished stays so. */
  #inputEnded(): void {
    this.transaction?.incoming?.content.fail(gone())
    this.close()
  }

  /** Ends a conversation in which a line was so long that it cannot be told where the next begins. */
  hangUp(): void {
    this.reply(500, '5.4.0', 'Too long line, closing connection')
    this.close()
  }

  override _whenWritable(next: () => void): void {
    if (!this._socket.writableNeedDrain) {
      next()
      return
    }
    this.#deadline.expectReading()
    super._whenWritable(() => {
      this.#deadline.wasRead()
      next()
    })
  }

  /** The package arms a timeout of its own; ours counts from command to command. */
  override _armTimeout(socket: Socket = this._socket): void {
    this.#outermost = socket
  }

  #timedOut(): void {
    if (this._upgrading) return void this.#outermost.destroy()
    this.transaction?.incoming?.content.fail(SmtpError.temporary(421, '4.4.2', 'Idle timeout, bye bye'))
    this.#farewell('4.4.2', 'Idle timeout, bye bye')
  }

  #stopWhenIdle(): void {
    if (!this.#conversation.stop?.aborted || this.#working !== false || this.transaction) return
    if (this._closing || this._closed || this._upgrading) return
    this.#farewell('4.3.2', 'Server is shutting down')
  }

  override _onClose(): void {
    super._onClose()
    this.#deadline.stop()
    this.#conversation.stop?.removeEventListener('abort', this.#onStop)
    this.transaction?.incoming?.content.fail(gone())
    this.#closed.resolve()
  }

  /** The package tells of a failed handshake twice. */
  override _onError(error: Error): void {
    if (!this._closing) this.#conversation.failed?.(error)
    this.close()
  }
}
