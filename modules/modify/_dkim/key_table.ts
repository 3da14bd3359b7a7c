import type { Logger, MutableTable } from '../../../core/index.ts'
import { keyPem, parseKey, publicKeyOf, recordOf, type SigningKey } from '../../../core/kit/dkim/index.ts'
import type { KeyStore, Spelling } from './store.ts'

export interface KeyTableOptions {
  readonly table: MutableTable
  readonly spelling: Spelling
  /** The name in DNS of the record of a domain. */
  readonly dnsName: (domain: string) => string
  /** Milliseconds; what the value says of the age of a key, which nobody goes by. */
  readonly expiry: number
  readonly log: Logger
}

/** Keys in a table, each a JSON object with all that an administrator needs to know. */
export class KeyTable implements KeyStore {
  readonly freshFor = 60_000
  readonly #options: KeyTableOptions

  constructor(options: KeyTableOptions) {
    this.#options = options
  }

  async load(domain: string): Promise<SigningKey | undefined> {
    const name = this.#options.spelling(domain)
    const value = (await this.#value(name)) || (name === domain ? '' : await this.#value(domain))
    if (value === '') return undefined
    try {
      return await parseKey(privateKeyIn(value))
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`the DKIM key of ${name} in domain_table cannot be used: ${reason}`, { cause })
    }
  }

  /** Empty when there is none; one that is empty is a domain without a key. */
  async #value(name: string): Promise<string> {
    const [value = ''] = await this.#options.table.lookup(name)
    return value
  }

  /**
   * Not every table can store a key only where there is none, and a domain that is listed without one has a row already. So
   * what the table has in the end is what counts.
   */
  async add(domain: string, key: SigningKey): Promise<SigningKey> {
    const { table, spelling, dnsName, expiry, log } = this.#options
    const existing = await this.load(domain) // making one took its time
    if (existing) return existing
    const value = {
      domain: spelling(domain),
      privateKey: keyPem(key),
      publicKey: publicKeyOf(key),
      dnsName: dnsName(domain),
      dnsValue: recordOf(key),
      expires: new Date(Date.now() + expiry).toISOString(),
    }
    const text = JSON.stringify(value)
    if (!(await table.add?.(value.domain, text)) && !(await this.load(domain))) await table.set(value.domain, text)
    const kept = await this.load(domain)
    if (!kept) throw new Error(`domain_table does not keep what is stored for ${value.domain}`)
    if (recordOf(kept) !== value.dnsValue) return kept // another process was first, and has told of its own
    log.info('generated a new DKIM key; its record has to be put into DNS', {
      algorithm: key.algorithm,
      domain: value.domain,
      dns_name: value.dnsName,
      dns_value: value.dnsValue,
    })
    return kept
  }
}

const privateKeyIn = (text: string): string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('its value is not JSON')
  }
  const key = typeof value === 'object' && value !== null && 'privateKey' in value ? value.privateKey : undefined
  if (typeof key !== 'string') throw new Error('its value has no privateKey')
  return key
}
