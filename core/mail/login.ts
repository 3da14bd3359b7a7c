import { isIPv6 } from 'node:net'
import type { Values } from '../config/directive.ts'
import { use } from '../config/reference.ts'
import { flag, oneOf } from '../config/values.ts'
import type { NormalizerName } from '../kit/address/normalize.ts'
import { normalizerNames, normalizers } from '../kit/address/normalize.ts'
import type { SaslMechanism } from '../kit/sasl/server.ts'
import type { Logger } from '../log.ts'
import type { Context } from '../module.ts'
import { Auth } from './auth.ts'
import { Table } from './table.ts'

/** A function on names, by the words of `auth_map_normalize`, `storage_map_normalize` and their like. */
export const normalizer = () => oneOf<NormalizerName>(...normalizerNames)

/** What endpoints with logins share. */
export const loginDirectives = {
  auth: use(Auth).many().doc('Who knows the passwords; several are asked in the order written.'),
  sasl_login: flag().default('no').doc('Also offers the mechanism LOGIN, for old clients.'),
  auth_map: use(Table)
    .inherit()
    .doc('Maps a user name to the one that providers know; names without an entry are refused.'),
  auth_map_normalize: normalizer().inherit().default('auto').doc('What is done to a user name before it is mapped.'),
}

/** A client, for the delays and the log. */
export interface LoginPeer {
  readonly ip: string
  readonly port: number
}

/** Verifies user names and passwords for an endpoint. The identity of who logs in is the name as sent, not what it maps to. */
export class Authenticator {
  /** To be offered, in this order; none without providers. */
  readonly mechanisms: readonly SaslMechanism[]
  readonly #values: Values<typeof loginDirectives>
  readonly #logins: Context['logins']
  readonly #log: Logger

  constructor(values: Values<typeof loginDirectives>, { logins }: Pick<Context, 'logins'>, log: Logger) {
    this.#values = values
    this.#logins = logins
    this.#log = log
    this.mechanisms = values.auth.length === 0 ? [] : values.sasl_login ? ['PLAIN', 'LOGIN'] : ['PLAIN']
  }

  /**
   * False when the credentials are wrong, also for a name that cannot be normalised or has no entry in `auth_map`; it is told
   * late after earlier failures. Throws when nobody accepted them and somebody could not answer, or the signal aborts; a
   * failure is in the log in either case.
   */
  async verify(username: string, password: string, peer: LoginPeer | null, signal?: AbortSignal): Promise<boolean> {
    const name = normalized(username, normalizers[this.#values.auth_map_normalize])
    const attempt = async (): Promise<boolean> => {
      const refusal = name instanceof Error ? name : await this.#refusal(name, password)
      if (refusal === undefined) return true
      const from = peer && (isIPv6(peer.ip) ? `[${peer.ip}]:${peer.port}` : `${peer.ip}:${peer.port}`)
      const where = { src_ip: from ?? '', username }
      if (refusal instanceof Unavailable) {
        // Not the words that fail2ban bans for: the client has done nothing wrong.
        this.#log.error('credentials could not be checked', refusal, where)
        throw refusal
      }
      this.#log.error('authentication failed', refusal, where)
      return false
    }
    return this.#logins.attempt(peer?.ip ?? null, name instanceof Error ? username : name, attempt, signal)
  }

  /** Undefined when the password is right. */
  async #refusal(name: string, password: string): Promise<Error | undefined> {
    const { auth, auth_map } = this.#values
    if (auth.length === 0) return new Error('unsupported SASL mechanism')
    let mapped: string | undefined = name
    try {
      if (auth_map) [mapped] = await auth_map.lookup(name)
    } catch (cause) {
      return new Unavailable(cause)
    }
    if (mapped === undefined) return new Error('no entry in auth_map')
    let outage: Unavailable | undefined
    for (const provider of auth) {
      try {
        if (await provider.verify(mapped, password)) return undefined
      } catch (cause) {
        outage ??= new Unavailable(cause)
      }
    }
    return outage ?? new Error('no auth. provider accepted creds, last err: invalid credentials')
  }
}

/** It could not be told whether credentials are right. */
class Unavailable extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

const normalized = (name: string, normalize: (name: string) => string): string | Error => {
  try {
    return normalize(name)
  } catch (error) {
    if (error instanceof RangeError) return error
    throw error
  }
}
