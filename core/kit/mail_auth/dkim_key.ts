import { createPublicKey, type KeyObject } from 'node:crypto'
import { DnsError, type Resolver } from '../dns/resolver.ts'
import { Recent } from '../recent.ts'

/** A public key, and what its owner wants it used for. */
export interface DkimKey {
  readonly type: 'rsa' | 'ed25519'
  readonly publicKey: KeyObject
  /** Hashes it may be used with; any where it does not say. */
  readonly hashes: readonly string[] | undefined
  readonly services: readonly string[]
}

/** A key that cannot be had, or not be used. The message is fit for Authentication-Results. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
  /** DNS could not be asked; another try may end better. */
  readonly temporary: boolean

  constructor(
    message: string,
    { temporary = false, ...options }: ErrorOptions & { readonly temporary?: boolean } = {},
  ) {
    super(message, options)
    this.temporary = temporary
  }
}

/** The keys that the signatures of one message ask for; each name is looked up once. */
export class DkimKeys {
  readonly #dns: Resolver
  readonly #signal: AbortSignal
  readonly #read: (record: string) => DkimKey
  readonly #asked = new Map<string, Promise<DkimKey>>()

  /** `read` makes a key of a record, as `readKey` does. */
  constructor(dns: Resolver, read: (record: string) => DkimKey, signal: AbortSignal) {
    this.#dns = dns
    this.#read = read
    this.#signal = signal
  }

  /**
   * The key under a name such as `selector._domainkey.example.org`. Rejects with KeyError, and with the reason of the signal
   * once that has aborted. It may be asked ahead of time: nobody has to wait for the answer.
   */
  find(name: string): Promise<DkimKey> {
    const known = this.#asked.get(name)
    if (known) return known
    const asked = this.#lookUp(name)
    asked.catch(() => {})
    this.#asked.set(name, asked)
    return asked
  }

  async #lookUp(name: string): Promise<DkimKey> {
    this.#signal.throwIfAborted()
    const { records, nonexistent } = await this.#dns.txt(name, this.#signal).catch((error: unknown) => {
      this.#signal.throwIfAborted()
      if (!(error instanceof DnsError)) throw error
      throw new KeyError(`key unavailable: ${error.code}`, { temporary: true, cause: error })
    })
    const [record, second] = records
    if (record === undefined) throw new KeyError(`no key for signature: no such ${nonexistent ? 'name' : 'record'}`)
    if (second !== undefined) throw new KeyError('multiple TXT records found for key')
    return this.#read(record)
  }
}

/** Reads a key record (RFC 6376 §3.6.1, RFC 8463 §4). Throws KeyError. */
export const readKey = (record: string): DkimKey => {
  const tags = tagsOf(record)
  const type = tags.get('k') ?? 'rsa'
  const data = tags.get('p')?.replace(/\s+/g, '')
  if ((tags.get('v') ?? 'DKIM1') !== 'DKIM1') throw new KeyError('incompatible public key version')
  if (data === undefined) throw new KeyError('key syntax error: missing public key data')
  if (data === '') throw new KeyError('key revoked')
  if (!isBase64(data)) throw new KeyError('key syntax error: the key is not base64')
  if (type !== 'rsa' && type !== 'ed25519') throw new KeyError('unsupported key algorithm')
  const bytes = Buffer.from(data, 'base64')
  return {
    type,
    publicKey: type === 'rsa' ? rsaKey(bytes) : ed25519Key(bytes),
    hashes: tags.has('h') ? listOf(tags.get('h')) : undefined,
    services: tags.has('s') ? listOf(tags.get('s')) : ['*'],
  }
}

/** Reads key records and remembers the keys: reading one takes twice as long as verifying a signature with it. */
export const rememberedKeys = (): ((record: string) => DkimKey) => {
  const known = new Recent<DkimKey>(mostKeys)
  return (record) => {
    const found = known.get(record)
    if (found) return found
    const key = readKey(record)
    if (record.length <= longestRemembered) known.set(record, key)
    return key
  }
}

const mostKeys = 500
/** An RSA key of 8192 bits has 1400 characters. */
const longestRemembered = 2000

/** Base64 with its padding. */
export const isBase64 = (text: string): boolean => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)

/** Whether the owner of a key lets it vouch for mail (RFC 6376 §3.6.1). */
export const isForMail = (services: readonly string[]): boolean => services.includes('*') || services.includes('email')

const shortest = 1024 // RFC 8301 §3.2

/** The RFC asks for a bare RSAPublicKey, and everybody publishes a SubjectPublicKeyInfo. */
const rsaKey = (key: Buffer): KeyObject => {
  const found = parsed(key, 'spki') ?? parsed(key, 'pkcs1')
  if (found?.asymmetricKeyType !== 'rsa') throw new KeyError('key syntax error: not an RSA public key')
  const bits = found.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < shortest) throw new KeyError(`key is too short: want ${shortest} bits, has ${bits} bits`)
  return found
}

const parsed = (key: Buffer, type: 'spki' | 'pkcs1'): KeyObject | undefined => {
  try {
    return createPublicKey({ key, format: 'der', type })
  } catch {
    return undefined // told by the caller, who may have another idea of what it is
  }
}

const ed25519Key = (key: Buffer): KeyObject => {
  if (key.length !== 32) throw new KeyError(`invalid Ed25519 public key size: ${key.length} bytes`)
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.toString('base64url') }, format: 'jwk' })
}

/** `tag=value; …` (RFC 6376 §3.2). Names are case-sensitive; of several tags of a name the last stands. */
const tagsOf = (record: string): ReadonlyMap<string, string> => {
  const tags = new Map<string, string>()
  for (const part of record.split(';')) {
    const equals = part.indexOf('=')
    if (equals >= 0) tags.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim())
    else if (part.trim() !== '') throw new KeyError('key syntax error: a tag without a value')
  }
  return tags
}

const listOf = (value = ''): readonly string[] => value.split(':').map((each) => each.trim().toLowerCase())
