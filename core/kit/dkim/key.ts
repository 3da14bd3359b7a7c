import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'

/** A private key, and what it signs with (RFC 8301, RFC 8463). */
export interface SigningKey {
  readonly algorithm: 'rsa-sha256' | 'ed25519-sha256'
  readonly privateKey: KeyObject
}

/** A private key that cannot be used. The message quotes nothing of it. */
export class KeyError extends Error {
  override readonly name = 'KeyError'
}

export const newKeyAlgorithms = ['rsa2048', 'rsa4096', 'ed25519'] as const
export type NewKeyAlgorithm = (typeof newKeyAlgorithms)[number]

/** Bits of an RSA key: verifiers take no fewer (RFC 8301 §3.2). */
const fewestBits = 1024

const generate = promisify(generateKeyPair)

/** A new key. The work of it, a second or more for large ones, is done off the main thread. */
export async function generateKey(algorithm: NewKeyAlgorithm): Promise<SigningKey> {
  if (algorithm === 'ed25519') {
    return { algorithm: 'ed25519-sha256', privateKey: (await generate('ed25519')).privateKey }
  }
  const modulusLength = algorithm === 'rsa2048' ? 2048 : 4096
  return { algorithm: 'rsa-sha256', privateKey: (await generate('rsa', { modulusLength })).privateKey }
}

/**
 * The key of a PEM text: its first block, PKCS#8 or PKCS#1, RSA or Ed25519.
 * @throws KeyError
 */
export async function parseKey(pem: string): Promise<SigningKey> {
  const key = keyOf(readPem(pem))
  if (key.algorithm === 'rsa-sha256') await tryOut(key.privateKey)
  return key
}

function readPem(pem: string): KeyObject {
  const [block, type] = /-----BEGIN ([A-Z0-9 ]+)-----\s.*?-----END \1-----/s.exec(pem) ?? []
  if (block === undefined) throw new KeyError('it is not in PEM format')
  if (type !== 'PRIVATE KEY' && type !== 'RSA PRIVATE KEY' && type !== 'EC PRIVATE KEY') {
    throw new KeyError(`it holds a block of type ${type}, not a private key that is not encrypted`)
  }
  try {
    return createPrivateKey(block)
  } catch (cause) {
    throw new KeyError('its private key cannot be decoded', { cause })
  }
}

function keyOf(privateKey: KeyObject): SigningKey {
  switch (privateKey.asymmetricKeyType) {
    case 'ed25519':
      return { algorithm: 'ed25519-sha256', privateKey }
    case 'ec':
      throw new KeyError('it is an ECDSA key, and DKIM has RSA and Ed25519 only')
    case 'rsa': {
      const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? 0
      if (bits < fewestBits)
        throw new KeyError(`its RSA key has ${bits} bits, and verifiers want at least ${fewestBits}`)
      return { algorithm: 'rsa-sha256', privateKey }
    }
    default:
      throw new KeyError(`it is a key of type ${privateKey.asymmetricKeyType}, and DKIM has RSA and Ed25519 only`)
  }
}

const signAsync = promisify(sign)
const sample = Buffer.from('DKIM')

/** The numbers of an RSA key may contradict each other; what it signs would then be refused everywhere. */
async function tryOut(privateKey: KeyObject): Promise<void> {
  try {
    const signature = await signAsync('sha256', sample, privateKey)
    if (verify('sha256', sample, createPublicKey(privateKey), signature)) return
  } catch (cause) {
    throw new KeyError('its RSA key is damaged', { cause })
  }
  throw new KeyError('its RSA key is damaged')
}

/** PKCS#8 in PEM. */
export function keyPem({ privateKey }: SigningKey): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Base64, as in `p`: SubjectPublicKeyInfo of an RSA key, the 32 bytes alone of Ed25519 (RFC 8463 §4). */
export function publicKeyOf({ algorithm, privateKey }: SigningKey): string {
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  return (algorithm === 'rsa-sha256' ? spki : spki.subarray(-32)).toString('base64')
}

/** The text of the TXT record at `<selector>._domainkey.<domain>` (RFC 6376 §3.6.1), in one piece. */
export function recordOf(key: SigningKey): string {
  return `v=DKIM1; k=${key.algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519'}; p=${publicKeyOf(key)}`
}
