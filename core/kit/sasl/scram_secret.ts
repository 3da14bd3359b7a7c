import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { saslprep } from './saslprep.ts'

/** What a client is told so that it can prove that it knows the password. */
export interface ScramChallenge {
  readonly iterations: number
  readonly salt: Uint8Array
}

/** What is kept of a password for SCRAM-SHA-256 (RFC 5802 §3): enough to check a proof, and not enough to make one. */
export interface ScramSecret extends ScramChallenge {
  /** 32 octets, as is the next. */
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** As many as GNU SASL takes. RFC 7677 §4 wants 4096 at least; clients on telephones have to compute it, too. */
export const scramIterations = 65_536

const saltLength = 16

/** As SCRAM writes it: `H()` and `HMAC()` (RFC 5802 §2.2), with SHA-256 (RFC 7677). */
export const sha256 = (text: Uint8Array): Buffer => createHash('sha256').update(text).digest()
export const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** What to keep for a password. Takes its time on purpose. */
export const scramSecret = (
  password: string,
  { iterations, salt }: ScramChallenge = { iterations: scramIterations, salt: randomBytes(saltLength) },
): ScramSecret => {
  const salted = pbkdf2Sync(saslprep(password), salt, iterations, 32, 'sha256')
  return { iterations, salt, storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') }
}

/**
 * What to show to somebody who gives a name that is not there. It is the same each time, as it is for those who are there;
 * `key` has to be kept secret, and for as long. `iterations` are those of the users.
 */
export const scramDecoy = (key: Uint8Array, username: string, iterations = scramIterations): ScramChallenge => ({
  iterations,
  salt: hmac(key, username).subarray(0, saltLength),
})
