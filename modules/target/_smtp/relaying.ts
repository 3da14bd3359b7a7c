import type { Address, Delivery, Envelope, Logger, Message, SmtpError } from '../../../core/index.ts'
import type { SmtpClient, Transaction } from '../../../core/kit/smtp/client/index.ts'
import { credentialsFor, type Login } from './auth.ts'
import { connect, type Servers } from './servers.ts'

/** What a delivery needs of the target it belongs to. */
export interface Relay {
  readonly servers: Servers
  readonly login: Login
  readonly log: Logger
  /** Sees to it that a farewell comes to its end; nobody waits for it. */
  leave(client: SmtpClient): void
}

/**
 * One message to another server, on a connection of its own. SMTP has no second phase: the end of the content, in `message`,
 * hands it over for good. `commit` only says goodbye, and what is disposed of after `message` has been delivered all the same.
 */
export class Relaying implements Delivery {
  readonly #relay: Relay
  readonly #client: SmtpClient
  readonly #transaction: Transaction
  #left = false

  private constructor(relay: Relay, client: SmtpClient, transaction: Transaction) {
    this.#relay = relay
    this.#client = client
    this.#transaction = transaction
  }

  /**
   * Connects, logs in and says MAIL. Where the server offers PIPELINING its reply is not waited for, but told to the
   * recipients. Throws SmtpError and what else is wrong with the server.
   */
  static async begin(
    relay: Relay,
    { reversePath, smtputf8, requireTls, size, origin, id }: Envelope,
  ): Promise<Relaying> {
    const credentials = credentialsFor(relay.login, origin)
    const client = await connect(relay.servers, relay.log.with({ msg_id: id }))
    try {
      if (credentials) await client.authenticate(credentials)
      const transaction = client.begin(reversePath, { smtputf8, requireTls, size })
      if (!client.capabilities.has('PIPELINING')) await transaction.begun
      return new Relaying(relay, client, transaction)
    } catch (error) {
      relay.leave(client)
      throw error
    }
  }

  recipient(to: Address): Promise<void> {
    return this.#transaction.recipient(to)
  }

  message(message: Message): Promise<ReadonlyMap<Address, SmtpError>> {
    return this.#transaction.message(message)
  }

  async commit(): Promise<void> {
    this.#leave()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave()
  }

  #leave(): void {
    if (!this.#left) this.#relay.leave(this.#client)
    this.#left = true
  }
}
