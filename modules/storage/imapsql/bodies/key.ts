import { randomBytes, randomUUID } from 'node:crypto'

/** Who writes bodies: a process, or one storage in it. */
export interface Lease {
  /** Eight hexadecimal digits. */
  id: string
  /** Set once a body may have been left without a message, for others to find after this one has ended. */
  untidy: boolean
}

export const newLease = (): Lease => ({ id: newLeaseId(), untidy: false })

export const newLeaseId = (): string => randomBytes(4).toString('hex')

/**
 * A key for a body, 32 hexadecimal digits: milliseconds first, so that neighbours in time are neighbours in an index, then
 * the lease of the writer, by which bodies can be found that it left without a message, then chance.
 */
export const newKey = ({ id }: Lease): string =>
  // The end of a UUID is chance alone, and Node keeps a stock of them, where asking for a few bytes is slow.
  timeKey(Date.now()) + id + randomUUID().slice(24)

/** What keys made at that time begin with, and all made before it are less than. */
export const timeKey = (milliseconds: number): string => milliseconds.toString(16).padStart(12, '0')

/** The id of the lease that a key was made under. */
export const leaseOf = (key: string): string => key.slice(12, 20)
