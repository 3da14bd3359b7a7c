import { role } from '../role.ts'

/** Bytes that an account may keep; 0 is without a limit. Beyond what a number holds exactly it is a bigint, up to 2⁶³−1. */
export type QuotaBytes = number | bigint

/**
 * Limits on how much mail accounts may keep. What an account has of its own goes before what its domain gives to each of its
 * accounts; without either there is no limit. Usage is the sum of the sizes of all messages, copies included.
 */
export interface Quotas {
  /** Undefined when there is no such account. */
  usage(username: string): Promise<AccountUsage | undefined>
  /**
   * Gives an account a limit of its own, 0 being none at all; null goes back to that of the domain. Throws StorageError
   * `missing`, and RangeError for what is no number of bytes.
   */
  setLimit(username: string, bytes: QuotaBytes | null): Promise<void>
  /** A domain that has neither accounts nor a limit is one with zeros. Throws RangeError for what can be no domain. */
  domainUsage(domain: string): Promise<DomainUsage>
  /** The limit of each account of a domain, which need not have any yet. Throws RangeError for no bytes, or no domain. */
  setDomainLimit(domain: string, bytes: QuotaBytes): Promise<void>
}

export const Quotas = role<Quotas>('quotas', 'storage')

export interface AccountUsage {
  /** As the storage has it. */
  readonly username: string
  readonly usedBytes: number
  readonly limit: QuotaBytes
  /** Where the limit is from. */
  readonly source: 'user' | 'domain' | 'none'
  /** Ordered by name. */
  readonly mailboxes: readonly { readonly name: string; readonly messages: number; readonly usedBytes: number }[]
}

export interface DomainUsage {
  /** In U-labels, lower case. */
  readonly domain: string
  /** Of all its accounts. */
  readonly usedBytes: number
  readonly limit: QuotaBytes
  /** Ordered by name. */
  readonly accounts: readonly {
    readonly username: string
    readonly usedBytes: number
    /** Its own limit; undefined when it has none. */
    readonly own: QuotaBytes | undefined
  }[]
}
