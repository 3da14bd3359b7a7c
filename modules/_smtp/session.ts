import type { Origin, Peer, SmtpError } from '../../core/index.ts'
import { formatPeer } from '../../core/index.ts'
import { formatAddress } from '../../core/kit/address/index.ts'
import type { Content, MailParameters, Path, Receiver } from '../../core/kit/smtp/server/index.ts'
import { ReverseLookup } from './reverse.ts'
import type { Settings } from './settings.ts'
import { type Mail, Transaction } from './transaction.ts'

/** One client of an endpoint: what it says becomes a transaction of the endpoint's target. */
export class Session implements Receiver {
  readonly #settings: Settings
  readonly #peer: Peer | null
  #helo = ''
  #secure = false
  #user: string | null = null
  #reverse: ReverseLookup | undefined
  #mail: Mail | undefined
  #transaction: Transaction | undefined
  /** Why the sender is refused, told to each recipient. */
  #refusal: unknown
  #rcptErrors = 0

  constructor(settings: Settings, peer: Peer | null) {
    this.#settings = settings
    this.#peer = peer
  }

  greet(name: string, secure: boolean): void {
    this.#helo = name
    this.#secure = secure
    if (!this.#peer) return
    this.#reverse ??= new ReverseLookup(this.#peer.ip, this.#settings.dns, this.#settings.log)
  }

  secured(): void {
    this.#helo = ''
    this.#user = null
  }

  async authenticate(username: string, password: string): Promise<boolean> {
    const right = await this.#settings.authenticator.verify(username, password, this.#peer)
    if (right) this.#user = username
    return right
  }

  authenticationRefused(error: Error): void {
    this.#settings.log.error('authentication failed', error, { src_ip: formatPeer(this.#peer), username: '' })
  }

  async mail(path: Path | null, parameters: MailParameters): Promise<void> {
    await this.#end()
    this.#mail = { path, parameters }
    if (this.#settings.deferSenderReject) return
    this.#transaction = await this.#begin(this.#mail)
  }

  async recipient(path: Path): Promise<void> {
    try {
      await this.#toRecipient(path)
    } catch (error) {
      this.#countError(error, path)
      throw error
    }
  }

  async #toRecipient(path: Path): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal
    if (!this.#transaction && this.#mail) {
      try {
        this.#transaction = await this.#begin(this.#mail)
      } catch (error) {
        this.#refusal = error
        throw error
      }
    }
    await this.#transaction?.recipient(path)
  }

  async data(content: Content): Promise<readonly (SmtpError | undefined)[]> {
    try {
      if (!this.#transaction) throw new Error('content without a transaction')
      return await this.#transaction.data(content)
    } finally {
      await this.#end()
    }
  }

  async reset(): Promise<void> {
    if (this.#transaction) this.#transaction.log.debug('reset')
    await this.#end()
  }

  async close(): Promise<void> {
    this.#reverse?.[Symbol.dispose]()
    await this.#end()
  }

  async #begin(mail: Mail): Promise<Transaction> {
    return await Transaction.begin(this.#settings, await this.#origin(), mail)
  }

  async #origin(): Promise<Origin> {
    const protocol = this.#settings.protocol === 'lmtp' ? 'LMTP' : 'ESMTP'
    return {
      protocol: this.#secure ? `${protocol}S` : protocol,
      helo: this.#helo,
      peer: this.#peer,
      rdns: this.#reverse ? await this.#reverse.name() : '',
      user: this.#user,
    }
  }

  /** Gives up what is not finished. The next command waits for it, so that no slot is taken twice. */
  async #end(): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#mail = undefined
    this.#refusal = undefined
    try {
      await transaction?.[Symbol.asyncDispose]()
    } catch (error) {
      transaction?.log.error('abort failed', error)
    }
  }

  /** Logs the refusal of a recipient, but not for ever: who tries names out would fill the disk. */
  #countError(error: unknown, path: Path): void {
    const log = this.#transaction?.log ?? this.#settings.log
    const { maxLoggedRcptErrors } = this.#settings
    if (this.#rcptErrors >= maxLoggedRcptErrors) return
    this.#rcptErrors++
    log.error('RCPT error', error, { rcpt: formatAddress(path) })
    if (this.#rcptErrors < maxLoggedRcptErrors) return
    log.info('too many RCPT errors, possible dictonary attack', { src_ip: formatPeer(this.#peer) })
  }
}
