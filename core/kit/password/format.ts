import { argon2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { encodeBase64, hashSync } from 'bcryptjs'
import { newScram, parseScram, verifyScram } from './scram.ts'

/** A stored value that is no `TAG:DATA` this server knows. The message never shows the value. */
export class PasswordFormatError extends Error {
  override readonly name = 'PasswordFormatError'
}

/** How a new password is to be kept; what is left out takes the value in brackets. */
export interface NewHash {
  /** [bcrypt] */
  readonly hash?: string
  /** Logarithm of the rounds, up to 31; less than 4 means 10. [10] */
  readonly bcryptCost?: number
  /** Passes. [2] */
  readonly argon2Time?: number
  /** In KiB. [1024] */
  readonly argon2Memory?: number
  /** [1] */
  readonly argon2Threads?: number
  /** From 4096 on. [65536] */
  readonly scramIterations?: number
}

/** Names of the hashes a password can be kept under. */
export const hashes = ['bcrypt', 'argon2', 'scram-sha-256'] as const

const bcryptLimit = 72
const argon2Output = 64
/** A stored value could ask for all the memory there is. In KiB. */
const argon2MemoryLimit = 4 * 1024 * 1024

/** Whether `password` is the one that `stored` was made of. Takes its time on purpose. Throws PasswordFormatError. */
export const verifySync = (stored: string, password: string): boolean => {
  const [, tag, data = ''] = /^([^:]*):(.*)$/s.exec(stored) ?? []
  if (tag === undefined) throw new PasswordFormatError('the stored password has no hash algorithm before a colon')
  if (tag === 'bcrypt') return verifyBcrypt(data, password)
  if (tag === 'argon2') return verifyArgon2(data, password)
  if (tag === 'scram-sha-256') {
    const secret = parseScram(stored)
    if (!secret) throw new PasswordFormatError('the stored SCRAM keys are malformed')
    return verifyScram(secret, password)
  }
  throw new PasswordFormatError('the hash algorithm of the stored password is unknown')
}

/** A value to store for a password. Throws RangeError when the password or the options will not do. */
export const hashNow = (password: string, options: NewHash): string => {
  const { hash = 'bcrypt' } = options
  if (hash === 'bcrypt') return `bcrypt:${newBcrypt(password, options)}`
  if (hash === 'argon2') return `argon2:${newArgon2(password, options)}`
  if (hash === 'scram-sha-256') return newScram(password, randomBytes(16), options.scramIterations)
  throw new RangeError(`unknown hash ${hash}; there are ${hashes.join(', ')}`)
}

const verifyBcrypt = (data: string, password: string): boolean => {
  // One algorithm has gone by several letters (2a, 2b, 2y) since flaws in its implementations; bcryptjs knows three of them.
  const [, cost = '', salt = '', digest] = /^\$2[^$]?\$(\d\d)\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/.exec(data) ?? []
  if (digest === undefined) throw new PasswordFormatError('the stored bcrypt hash is malformed')
  if (Number(cost) < 4 || Number(cost) > 31)
    throw new PasswordFormatError('the cost of the stored bcrypt hash is not from 4 to 31')
  const computed = hashSync(password, `$2b$${cost}$${salt}`) // of the password's first 72 bytes
  return timingSafeEqual(Buffer.from(computed.slice(-digest.length)), Buffer.from(digest))
}

const newBcrypt = (password: string, { bcryptCost = 10 }: NewHash): string => {
  if (Buffer.byteLength(password) > bcryptLimit) throw new RangeError(`password length exceeds ${bcryptLimit} bytes`)
  if (!(bcryptCost <= 31)) throw new RangeError(`bcrypt cost ${bcryptCost} is greater than 31`)
  const cost = bcryptCost < 4 ? 10 : Math.trunc(bcryptCost)
  return hashSync(password, `$2a$${String(cost).padStart(2, '0')}$${encodeBase64(randomBytes(16), 16)}`)
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const verifyArgon2 = (data: string, password: string): boolean => {
  const [time = '', memory = '', threads = '', salt = '', digest, extra] = data.split(':')
  const numbers = [time, memory, threads].every((part) => /^\d{1,10}$/.test(part))
  if (digest === undefined || extra !== undefined || !numbers || !base64.test(salt) || !base64.test(digest)) {
    throw new PasswordFormatError('the stored argon2 hash is malformed')
  }
  const expected = Buffer.from(digest, 'base64')
  const computed = argon2(password, Buffer.from(salt, 'base64'), Number(time), Number(memory), Number(threads))
  return expected.length === computed.length && timingSafeEqual(computed, expected)
}

const newArgon2 = (
  password: string,
  { argon2Time: time = 2, argon2Memory: memory = 1024, argon2Threads: threads = 1 }: NewHash,
): string => {
  const salt = randomBytes(16)
  try {
    const digest = argon2(password, salt, time, memory, threads)
    return [time, memory, threads, salt.toString('base64'), digest.toString('base64')].join(':')
  } catch (error) {
    throw error instanceof PasswordFormatError ? new RangeError(error.message, { cause: error }) : error
  }
}

/** Argon2id, version 1.3. */
const argon2 = (password: string, nonce: Buffer, passes: number, memory: number, parallelism: number): Buffer => {
  if (memory > argon2MemoryLimit)
    throw new PasswordFormatError(`argon2 memory ${memory} is over ${argon2MemoryLimit} KiB`)
  if (memory < 8 * parallelism) throw new PasswordFormatError(`argon2 needs at least 8 KiB of memory for each thread`)
  try {
    return argon2Sync('argon2id', { message: password, nonce, parallelism, tagLength: argon2Output, memory, passes })
  } catch (cause) {
    throw new PasswordFormatError('the parameters of argon2 are out of range', { cause })
  }
}
