import { isIPv6 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { orAbort } from '../kit/abort.ts'
import { groupsOf } from '../kit/dns/arpa.ts'
import { Recent } from '../kit/recent.ts'
import type { Logins } from '../module.ts'

export interface LoginGuardOptions {
  /** The delay after a first failure; it doubles with each further one. Milliseconds. */
  readonly first?: number
  /** No delay is longer; milliseconds. */
  readonly longest?: number
  /** Failures are forgotten when none was added for so long; milliseconds. */
  readonly memory?: number
  /** How many checks of one address or account may be under way before further ones wait. */
  readonly together?: number
  /** How many addresses, accounts and pairs of both are remembered, each. */
  readonly capacity?: number
  /** Milliseconds, from any start. */
  readonly now?: () => number
  /** Resolves after so many milliseconds; rejects when the signal aborts. */
  readonly sleep?: (milliseconds: number, signal?: AbortSignal) => Promise<void>
}

/** What is known of an address or an account. */
interface Suspect {
  failures: number
  /** No check begins, and no failure is told, before this time. */
  until: number
  running: number
}

/**
 * Slows down those who guess passwords, over all protocols: an address and an account each have a delay that grows with
 * its failures. Nobody is locked out, since that would let a stranger lock out others: the delay has an upper bound, and
 * who has logged in to an account from an address before does not wait for what others do, until a password is wrong.
 */
export class LoginGuard implements Logins {
  readonly #options: Required<LoginGuardOptions>
  readonly #addresses: Recent<Suspect>
  readonly #accounts: Recent<Suspect>
  /** Address and account of logins that succeeded. */
  readonly #familiar: Recent<true>

  constructor(options: LoginGuardOptions = {}) {
    this.#options = {
      first: 1_000,
      longest: 15_000,
      memory: 15 * 60_000,
      together: 100, // an office behind one address comes back all at once after a restart
      capacity: 10_000,
      now: () => performance.now(),
      sleep: async (milliseconds, signal) => sleep(milliseconds, undefined, signal && { signal }),
      ...options,
    }
    this.#addresses = new Recent(this.#options.capacity)
    this.#accounts = new Recent(this.#options.capacity)
    this.#familiar = new Recent(this.#options.capacity)
  }

  async attempt(
    ip: string | null,
    username: string,
    check: () => Promise<boolean>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const account = username.slice(0, 320)
    const address = ip === null ? undefined : network(ip)
    const pair = `${address}\0${account}`
    const suspects = [this.#suspect(this.#accounts, account)]
    if (address !== undefined) suspects.push(this.#suspect(this.#addresses, address))
    for (const suspect of suspects) suspect.running++
    try {
      if (this.#familiar.get(pair) === undefined) await this.#wait(this.#pause(suspects), signal)
      signal?.throwIfAborted()
      if (await orAbort(check(), signal)) {
        this.#accounts.delete(account)
        this.#familiar.set(pair, true)
        return true
      }
    } finally {
      for (const suspect of suspects) suspect.running--
    }
    this.#familiar.delete(pair)
    for (const suspect of suspects) {
      suspect.failures++
      suspect.until = this.#options.now() + this.#delay(suspect.failures)
    }
    await this.#wait(this.#pause(suspects), signal)
    return false
  }

  /** The entry for a key, made if need be; failures that are too old are forgotten. */
  #suspect(from: Recent<Suspect>, key: string): Suspect {
    const known = from.get(key)
    const suspect = known ?? { failures: 0, until: 0, running: 0 }
    if (suspect.failures > 0 && this.#options.now() > suspect.until + this.#options.memory) suspect.failures = 0
    if (!known) from.set(key, suspect)
    return suspect
  }

  #delay(failures: number): number {
    return failures < 1 ? 0 : Math.min(this.#options.longest, this.#options.first * 2 ** (failures - 1))
  }

  /** How long until the slower of both may go on. A burst of checks, whose outcome is not known yet, counts as failures. */
  #pause(suspects: readonly Suspect[]): number {
    const now = this.#options.now()
    const pauses = suspects.map(({ until, running }) =>
      Math.max(until - now, this.#delay(running - this.#options.together)),
    )
    return Math.min(this.#options.longest, Math.max(...pauses))
  }

  async #wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (milliseconds > 0) await this.#options.sleep(milliseconds, signal)
  }
}

/** What one client can be told by: an IPv4 address, or the /64 of an IPv6 one, of which anybody has 2⁶⁴ addresses. */
const network = (ip: string): string => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped !== undefined || !isIPv6(ip)) return mapped ?? ip
  return groupsOf(ip.replace(/%.*$/, '')).slice(0, 4).join(':')
}
