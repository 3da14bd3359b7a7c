import type { Origin, Peer, TlsState } from '../../core/index.ts'
import { formatPeer, SmtpError, withPassword } from '../../core/index.ts'
import { formatAddress } from '../../core/kit/address/index.ts'
import type { SaslChannel, SaslMechanism, SaslServer } from '../../core/kit/sasl/index.ts'
import type { Content, MailParameters, Path, Receiver } from '../../core/kit/smtp/server/index.ts'
import { afterwards } from '../../core/kit/smtp/server/index.ts'
import { ReverseLookup } from './reverse.ts'
import type { Settings } from './settings.ts'
import { type Mail, Transaction } from './transaction.ts'

/** One client of an endpoint: what it says becomes a transaction of the endpoint. */
export class Session implements Receiver {
  readonly #settings: Settings
  readonly #peer: Peer | null
  #helo = ''
  #tls: TlsState | null = null
  #user: string | null = null
  /** Of the user; undefined after a login that did not tell it. */
  #password: string | undefined
  #reverse: ReverseLookup | undefined
  /** Undefined until it is complete, and when something of it has changed. */
  #origin: Origin | undefined
  #mail: Mail | undefined
  #transaction: Transaction | undefined
  /** Why the sender is refused, told to each recipient. */
  #refusal: unknown
  /** Recipients that were refused for good, and those that could not be told about now. */
  readonly #rcptErrors = { permanent: 0, temporary: 0 }

  constructor(settings: Settings, peer: Peer | null) {
    this.#settings = settings
    this.#peer = peer
  }

  greet(name: string, tls: TlsState | null): void | Promise<void> {
    this.#helo = name
    this.#tls = tls
    this.#origin = undefined
    const { dns, log, pipeline } = this.#settings
    if (this.#peer) this.#reverse ??= new ReverseLookup(this.#peer.ip, dns, log)
    return pipeline.judgesGreetings ? this.#judgeGreeting() : undefined
  }

  async #judgeGreeting(): Promise<void> {
    try {
      await this.#settings.pipeline.greeted(this.#originNow(this.#reverse?.known ?? null))
    } catch (error) {
      this.#settings.tally.failed('EHLO', error)
      this.#settings.log.error('EHLO error', error, { src_ip: formatPeer(this.#peer), src_host: this.#helo })
      throw error
    }
  }

  secured(): void {
    this.#helo = ''
    this.#user = null
    this.#password = undefined
    this.#origin = undefined
  }

  authenticate(mechanism: SaslMechanism, channel: SaslChannel | null): SaslServer {
    const trusted = (password: string) => {
      this.#password = password
    }
    return this.#settings.authenticator.exchange(mechanism, { peer: this.#peer, channel, trusted })
  }

  authenticated(username: string): void {
    this.#user = username
    this.#origin = undefined
  }

  mail(path: Path | null, parameters: MailParameters): void | Promise<void> {
    return afterwards(this.#end(), () => {
      this.#mail = { path, parameters }
      return this.#settings.deferSenderReject ? undefined : this.#begin(this.#mail)
    })
  }

  async recipient(path: Path): Promise<void> {
    try {
      if (this.#refusal !== undefined) throw this.#refusal
      if (!this.#transaction && this.#mail) await this.#beginDeferred(this.#mail)
      await this.#transaction?.recipient(path)
    } catch (error) {
      this.#settings.tally.failed('RCPT', error)
      this.#countError(error, path)
      throw error
    }
  }

  async #beginDeferred(mail: Mail): Promise<void> {
    try {
      await this.#begin(mail)
    } catch (error) {
      this.#refusal = error
      throw error
    }
  }

  async data(content: Content): Promise<readonly (SmtpError | undefined)[]> {
    try {
      if (!this.#transaction) throw new Error('content without a transaction')
      return await this.#transaction.data(content)
    } finally {
      await this.#end()
    }
  }

  reset(): void | Promise<void> {
    this.#transaction?.log.debug('reset')
    return this.#end()
  }

  close(): void | Promise<void> {
    this.#reverse?.[Symbol.dispose]()
    return this.#end()
  }

  async #begin(mail: Mail): Promise<void> {
    this.#transaction = await Transaction.begin(this.#settings, this.#origin ?? (await this.#findOrigin()), mail)
  }

  async #findOrigin(): Promise<Origin> {
    const reverse = this.#reverse
    const origin = this.#originNow(reverse ? await reverse.name() : '')
    if (!reverse || reverse.known !== undefined) this.#origin = origin
    return origin
  }

  #originNow(rdns: string | null): Origin {
    const protocol = this.#settings.protocol === 'lmtp' ? 'LMTP' : 'ESMTP'
    const origin: Origin = {
      protocol: this.#tls ? `${protocol}S` : protocol,
      helo: this.#helo,
      peer: this.#peer,
      rdns,
      user: this.#user,
      tls: this.#tls,
    }
    return this.#password === undefined ? origin : withPassword(origin, this.#password)
  }

  /** Gives up what is not finished. The next command waits for it, so that no slot is taken twice. */
  #end(): void | Promise<void> {
    const transaction = this.#transaction
    this.#transaction = undefined
    this.#mail = undefined
    this.#refusal = undefined
    return transaction && this.#abandon(transaction)
  }

  async #abandon(transaction: Transaction): Promise<void> {
    try {
      await transaction[Symbol.asyncDispose]()
    } catch (error) {
      transaction.log.error('abort failed', error)
    }
  }

  /** Logs the refusal of a recipient, but not for ever: who tries names out would fill the disk. An outage is no attack. */
  #countError(error: unknown, path: Path): void {
    const log = this.#transaction?.log ?? this.#settings.log
    const { maxLoggedRcptErrors } = this.#settings
    const kind = error instanceof SmtpError && !error.temporary ? 'permanent' : 'temporary'
    if (this.#rcptErrors[kind] >= maxLoggedRcptErrors) return
    this.#rcptErrors[kind]++
    log.error('RCPT error', error, { rcpt: formatAddress(path) })
    if (kind === 'temporary' || this.#rcptErrors.permanent < maxLoggedRcptErrors) return
    log.info('too many RCPT errors, possible dictonary attack', { src_ip: formatPeer(this.#peer) })
  }
}
