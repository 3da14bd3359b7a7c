import { type Account, type Logger, type LoginPeer, StorageError } from '../../core/index.ts'
import { ImapError } from '../../core/kit/imap/error.ts'
import type { Output } from '../../core/kit/imap/output.ts'
import type { Transport } from '../../core/kit/imap/transport.ts'
import type { SaslChannel, SaslMechanism } from '../../core/kit/sasl/index.ts'
import { usableMechanisms } from '../../core/kit/sasl/index.ts'
import type { State } from './command.ts'
import type { Settings } from './settings.ts'
import { View } from './view.ts'

const deleted = 'Mailbox deleted'

/** One client's connection: how far it has come, and what commands work on. */
export class Session {
  readonly settings: Settings
  readonly transport: Transport
  readonly log: Logger
  /** Undefined for Unix sockets. */
  readonly peer: LoginPeer | null
  /** Aborts when the session is to end. */
  readonly stop: AbortSignal
  /** The name that logged in, for the log. */
  username = ''
  /** Set while TLS, or a socket of the machine itself, keeps strangers out. */
  secure = false
  /** The TLS that the client sees the other end of; null without. */
  channel: SaslChannel | null = null
  readonly #canStartTls: boolean
  #account: Account | undefined
  #view: View | undefined
  /** The account's own limit for messages, in bytes; null when it has none (RFC 7889). */
  ownAppendLimit: number | null = null
  /** What ENABLE has switched on. */
  readonly enabled = new Set<string>()
  readonly #life = new AbortController()
  /** Given back when the session ends. */
  readonly #held = new DisposableStack()
  #farewell: string | undefined
  #loggedOut = false

  constructor(
    settings: Settings,
    transport: Transport,
    { peer, stop, canStartTls }: { peer: LoginPeer | null; stop: AbortSignal; canStartTls: boolean },
  ) {
    this.settings = settings
    this.transport = transport
    this.log = settings.log
    this.peer = peer
    this.stop = stop
    this.#canStartTls = canStartTls
  }

  get out(): Output {
    return this.transport.output
  }

  get state(): State {
    if (!this.#account) return 'notAuthenticated'
    return this.#view ? 'selected' : 'authenticated'
  }

  get startTlsPossible(): boolean {
    return this.#canStartTls && !this.secure && !this.transport.compressed
  }

  get compressed(): boolean {
    return this.transport.compressed
  }

  /** How the client may log in now. */
  get mechanisms(): readonly SaslMechanism[] {
    if (!this.secure && !this.settings.insecureAuth) return []
    return usableMechanisms(this.settings.login.mechanisms, this.channel)
  }

  /** Of the user who has logged in. */
  get account(): Account {
    if (!this.#account) throw new ImapError('NO', undefined, 'Not authenticated')
    return this.#account
  }

  /** Of the selected mailbox. */
  get view(): View {
    if (!this.#view) throw new ImapError('NO', undefined, 'No mailbox selected')
    return this.#view
  }

  get selected(): View | undefined {
    return this.#view
  }

  /** Opens the account of somebody who has shown who it is. Throws ImapError, with the text of `refusal` when there is none. */
  async logIn(username: string, refusal: string): Promise<void> {
    const { accountName, storage, log } = this.settings
    try {
      const name = await accountName(username)
      if (name === undefined) throw new ImapError('NO', 'AUTHENTICATIONFAILED', refusal)
      const account = await storage.open(name)
      const place = this.settings.ofAccount.take(account.name)
      if (!place) throw new ImapError('NO', 'LIMIT', 'Too many connections of this account')
      this.#held.use(place)
      this.ownAppendLimit = await account.ownAppendLimit()
      this.#endWith(account.gone, 'Account deleted')
      if (account.expelled) this.#endWith(account.expelled, 'Credentials changed')
      this.#account = account
      this.username = username
    } catch (error) {
      if (error instanceof ImapError) throw error
      log.error('account could not be opened', error, { username })
      throw new ImapError('NO', 'UNAVAILABLE', 'internal server error', { cause: error })
    }
  }

  #endWith(signal: AbortSignal, farewell: string): void {
    const end = (): void => this.end(farewell)
    signal.addEventListener('abort', end, { signal: this.#life.signal })
    if (signal.aborted) end()
  }

  /** Opens a mailbox, after leaving the one before, if any, even if this fails (RFC 9051 §6.3.2). */
  async select(name: string, readOnly: boolean): Promise<View> {
    if (this.#view) {
      await this.deselect()
      this.out.line('* OK [CLOSED] Previous mailbox closed')
    }
    const mailbox = await this.account.select(name, { readOnly })
    const view = new View(mailbox)
    view.onDeleted = () => this.end(deleted)
    this.#view = view
    return view
  }

  async deselect(): Promise<void> {
    const view = this.#view
    this.#view = undefined
    await view?.close()
  }

  /** Tells the client what has happened to its mailbox. */
  async tell(expunges: boolean): Promise<void> {
    const view = this.#view
    if (!view) return
    try {
      await view.catchUp(() => this.account.select(view.name, { readOnly: view.readOnly }))
    } catch (error) {
      if (!(error instanceof StorageError && error.kind === 'missing')) throw error
      return this.end(deleted)
    }
    await view.tell(this.out, expunges)
  }

  /** Sends a challenge and reads the line that answers it; undefined when the connection ends. */
  async ask(challenge: string): Promise<string | undefined> {
    this.out.line(`+ ${challenge}`)
    const line = await this.transport.input.line(this.settings.limits.line)
    if (line?.cut) throw ImapError.bad('Line too long')
    return line?.text
  }

  /** Has the session end once the command in hand is done, with this text in its BYE. */
  end(text: string): void {
    this.#farewell ??= text
    this.transport.input.interrupt()
  }

  /** Why the session is to end, once it is. */
  get farewell(): string | undefined {
    return this.#farewell
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#life.abort()
    this.#held.dispose()
    await this.deselect()
  }

  /** The client has said LOGOUT. */
  logOut(): void {
    this.#loggedOut = true
  }

  get loggedOut(): boolean {
    return this.#loggedOut
  }
}
