import { randomBytes, randomUUID } from 'node:crypto'

/** Names those who write bodies at one time: a process, or one storage in it. Eight hexadecimal digits. */
export const newLease = (): string => randomBytes(4).toString('hex')

/**
 * A key for a body, 32 hexadecimal digits: milliseconds first, so that neighbours in time are neighbours in an index, then
 * the lease of the writer, by which bodies can be found that it left without a message, then chance.
 */
export const newKey = (lease: string): string =>
  // The end of a UUID is chance alone, and Node keeps a stock of them, where asking for a few bytes is slow.
  Date.now().toString(16).padStart(12, '0') + lease + randomUUID().slice(24)

/** The lease that a key was made under. */
export const leaseOf = (key: string): string => key.slice(12, 20)
