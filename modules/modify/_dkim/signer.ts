import type {
  Address,
  Context,
  DkimKeys,
  Envelope,
  Lifecycle,
  Logger,
  Message,
  Modification,
  Modifier,
  MutableTable,
} from '../../../core/index.ts'
import { UserError } from '../../../core/index.ts'
import { toAscii, toUnicode } from '../../../core/kit/address/index.ts'
import { type NewKeyAlgorithm, type SignOptions, signMessage } from '../../../core/kit/dkim/index.ts'
import { canSign, type Domains, normalized } from './domains.ts'
import type { KeyFiles } from './key_files.ts'
import type { KeyTable } from './key_table.ts'
import { Keyring } from './keyring.ts'
import { Turns } from './turns.ts'

export interface SignerOptions {
  readonly domains: Domains
  readonly selector: string
  readonly store: KeyFiles | KeyTable
  /** What further domains are listed in. */
  readonly table: MutableTable | undefined
  readonly newKeys: NewKeyAlgorithm
  readonly signing: Pick<SignOptions, 'fields' | 'header' | 'body' | 'expiry'>
}

/** Signs each message for the domain of its sender. */
export class Signer implements Modifier, DkimKeys, Lifecycle {
  readonly #options: SignerOptions
  readonly #log: Logger
  readonly #shared: Context['shared']
  #started: Keyring | undefined

  constructor(options: SignerOptions, { log, shared }: Context) {
    this.#options = options
    this.#log = log
    this.#shared = shared
  }

  async inspect(): Promise<void> {
    const { domains, store } = this.#options
    if (!('inspect' in store)) return
    for (const domain of domains.all) await store.inspect(domain)
  }

  /** Every domain known by now has its key afterwards, and its record can be put into DNS. */
  async start(held: AsyncDisposableStack): Promise<void> {
    const { domains, store, table, newKeys } = this.#options
    const turns = await this.#shared(held, 'dkim keys', async () => new Turns())
    const keyring = new Keyring(store, turns, newKeys, this.#log)
    for (const written of (await table?.keys()) ?? []) {
      if (!domains.add(written)) this.#log.info('no domain that mail can be signed for', { domain: written })
    }
    for (const domain of domains.all) await keyring.get(domain)
    this.#started = keyring
  }

  get #keys(): Keyring {
    if (!this.#started) throw new Error('dkim has not been started')
    return this.#started
  }

  begin(envelope: Envelope): Modification {
    let sender = envelope.reversePath
    return {
      sender: async (from) => {
        sender = from
        return from
      },
      message: (message) => this.#sign(message, sender, envelope),
    }
  }

  async #sign(message: Message, sender: Address | null, { id, smtputf8 }: Envelope): Promise<Message> {
    const { domains, selector, signing } = this.#options
    const domain = domains.of(sender)
    if (domain === undefined) {
      this.#log.info('no key for domain', { msg_id: id, domain: sender?.domain })
      return message
    }
    const inForm = smtputf8 ? toUnicode : toAscii
    const field = await signMessage(message, {
      ...signing,
      domain: inForm(domain),
      selector: inForm(selector),
      key: await this.#keys.get(domain),
    })
    this.#log.debug('signed', { msg_id: id, domain, selector })
    return { ...message, header: message.header.prepend(field) }
  }

  async ensure(written: string): Promise<void> {
    const domain = normalized(written)
    if (domain === undefined || !canSign(domain)) {
      throw new UserError('invalid', `${JSON.stringify(written)} is no domain that mail can be signed for`)
    }
    const signing = this.#options.domains.of({ local: 'postmaster', domain })
    if (signing !== undefined) await this.#keys.get(signing)
  }
}
