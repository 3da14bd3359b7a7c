import { role } from '../role.ts'

/** Bounds on how much is going on at once, and in a time. Several users of one instance share its counters. */
export interface Limits {
  /**
   * Lets a message in: takes what the scopes `all`, `ip` and `source` ask for, waiting for it if need be. What is returned
   * gives the slots back. `source` is the domain of the sender, empty for the null sender. Throws SmtpError, 451, when they
   * cannot be had in five seconds; nothing is taken then.
   */
  message(ip: string, source: string): Promise<Disposable>
  /** As `message`, for a connection that is to bring mail to a domain: the scope `destination`. */
  destination(domain: string): Promise<Disposable>
}

export const Limits = role<Limits>('limits', '')
