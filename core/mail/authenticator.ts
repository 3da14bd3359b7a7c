import { randomBytes, type X509Certificate } from 'node:crypto'
import { isIPv6 } from 'node:net'
import { ConfigError } from '../../grammar/node.ts'
import type { Values } from '../config/directive.ts'
import { normalizers } from '../kit/address/normalize.ts'
import type { SaslChannel, SaslMechanism, SaslServer, ScramSecret, ScramSubject } from '../kit/sasl/index.ts'
import { foreignAuthzid, SaslError, saslServer } from '../kit/sasl/index.ts'
import { certificateUsers } from '../kit/tls/names.ts'
import type { Logger } from '../log.ts'
import type { Context } from '../module.ts'
import type { loginDirectives } from './login.ts'
import type { ServerTls } from './tls.ts'

/** A client, for the delays and the log. */
export interface LoginPeer {
  readonly ip: string
  readonly port: number
}

/** Who is to log in, from where and over what. */
export interface LoginClient {
  /** Null for Unix sockets. */
  readonly peer: LoginPeer | null
  /** Null without TLS. */
  readonly channel: SaslChannel | null
  /** Ends the waits. */
  readonly signal?: AbortSignal
  /** Is told the password that has let the user in, by a mechanism that tells it. */
  readonly trusted?: (password: string) => void
}

type LoginConfig = Values<typeof loginDirectives> & { readonly tls?: ServerTls | null | undefined }

/** Finds out for an endpoint who a client is. The identity of who logs in is the name as sent, not what it maps to. */
export class Authenticator {
  /**
   * Those that the configuration allows, in the order in which to offer them; not every connection can be used with each.
   * None without providers.
   */
  readonly mechanisms: readonly SaslMechanism[]
  readonly #values: LoginConfig
  readonly #logins: Context['logins']
  readonly #log: Logger

  /** Throws ConfigError. */
  constructor(values: LoginConfig, { logins, at }: Pick<Context, 'logins' | 'at'>, log: Logger) {
    if (values.sasl_external && !values.tls?.asksClients) {
      throw new ConfigError(at, 'sasl_external needs client_ca in tls, or no client would show a certificate')
    }
    this.#values = values
    this.#logins = logins
    this.#log = log
    this.mechanisms = mechanismsOf(values)
  }

  /**
   * False when the credentials are wrong, also for a name that cannot be normalised or has no entry in `auth_map`; it is told
   * late after earlier failures. Throws when nobody accepted them and somebody could not answer, or the signal aborts; a
   * failure is in the log in either case.
   */
  async verify(username: string, password: string, peer: LoginPeer | null, signal?: AbortSignal): Promise<boolean> {
    const client = { peer, channel: null, ...(signal && { signal }) }
    return this.#attempt(username, client, (name) => this.#judgePassword(name, password))
  }

  /** Begins an exchange by one of `mechanisms`. Its verdicts come as those of `verify` do. */
  exchange(mechanism: SaslMechanism, client: LoginClient): SaslServer {
    const authority = {
      password: async (username: string, password: string) => {
        const right = await this.#attempt(username, client, (name) => this.#judgePassword(name, password))
        if (right) client.trusted?.(password)
        return right
      },
      scram: (username: string) => this.#scramSubject(username, client),
      certificate: (certificate: X509Certificate, authzid: string) => this.#user(certificate, authzid, client),
    }
    const server = saslServer(mechanism, authority, client.channel)
    return {
      step: async (response) => {
        try {
          return await server.step(response)
        } catch (error) {
          if (error instanceof SaslError && error.kind !== 'malformed') this.#refused(error, '', client)
          throw error
        }
      },
    }
  }

  /** Slows a login down after failures, and logs another failure; `judge` says why not, given the normalised name. */
  async #attempt(username: string, client: LoginClient, judge: (name: string) => Promise<Error | undefined>) {
    const name = this.#normalized(username)
    const check = async (): Promise<boolean> => {
      const refusal = name instanceof Error ? name : await judge(name)
      if (refusal === undefined) return true
      this.#refused(refusal, username, client)
      return false
    }
    return this.#logins.attempt(client.peer?.ip ?? null, name instanceof Error ? username : name, check, client.signal)
  }

  /** Logs that somebody was not let in. Throws when that is an outage. */
  #refused(refusal: Error, username: string, { peer }: LoginClient): void {
    const from = peer && (isIPv6(peer.ip) ? `[${peer.ip}]:${peer.port}` : `${peer.ip}:${peer.port}`)
    const where = { src_ip: from ?? '', username }
    if (refusal instanceof Unavailable) {
      // Not the words that fail2ban bans for: the client has done nothing wrong.
      this.#log.error('credentials could not be checked', refusal, where)
      throw refusal
    }
    this.#log.error('authentication failed', refusal, where)
  }

  #normalized(name: string): string | Error {
    try {
      return normalizers[this.#values.auth_map_normalize](name)
    } catch (error) {
      if (error instanceof RangeError) return error
      throw error
    }
  }

  /** The name that providers know. */
  async #mapped(name: string): Promise<string | Error> {
    const { auth_map } = this.#values
    if (!auth_map) return name
    try {
      const [mapped] = await auth_map.lookup(name)
      return mapped ?? new Error('no entry in auth_map')
    } catch (cause) {
      return new Unavailable(cause)
    }
  }

  /** Undefined when the password is right. */
  async #judgePassword(name: string, password: string): Promise<Error | undefined> {
    if (this.#values.auth.length === 0) return new Error('unsupported SASL mechanism')
    const mapped = await this.#mapped(name)
    if (mapped instanceof Error) return mapped
    let outage: Unavailable | undefined
    for (const { auth } of this.#values.auth) {
      try {
        if (await auth.verify(mapped, password)) return undefined
      } catch (cause) {
        outage ??= new Unavailable(cause)
      }
    }
    return outage ?? wrong()
  }

  async #scramSubject(username: string, client: LoginClient): Promise<ScramSubject> {
    const name = this.#normalized(username)
    const found = name instanceof Error ? { refusal: name } : await this.#scramSecret(name)
    if (!found.secret && found.refusal instanceof Unavailable) this.#refused(found.refusal, username, client)
    return {
      secret: found.secret ?? (await this.#decoy(name instanceof Error ? username : name)),
      settle: (proven) =>
        this.#attempt(username, client, async () => (proven && found.secret ? undefined : found.refusal)),
    }
  }

  /** What the first provider to know the user keeps of the password, and why a wrong proof is to be refused. */
  async #scramSecret(name: string): Promise<{ readonly secret?: ScramSecret; readonly refusal: Error }> {
    const mapped = await this.#mapped(name)
    if (mapped instanceof Error) return { refusal: mapped }
    let outage: Unavailable | undefined
    for (const { scram } of this.#values.auth) {
      try {
        const secret = await scram?.scramSecret(mapped)
        if (secret) return { secret, refusal: outage ?? wrong() }
      } catch (cause) {
        outage ??= new Unavailable(cause)
      }
    }
    return { refusal: outage ?? wrong() }
  }

  /** Looks like what is kept of a password; nobody knows which. */
  async #decoy(name: string): Promise<ScramSecret> {
    const provider = this.#values.auth[0]?.scram
    if (!provider) throw new Error('SCRAM without a provider')
    return { ...(await provider.scramDecoy(name)), storedKey: randomBytes(32), serverKey: randomBytes(32) }
  }

  /** The user that a certificate stands for, as the name that `sasl_external` gives. */
  async #user(certificate: X509Certificate, authzid: string, client: LoginClient): Promise<string | null> {
    const names = certificateUsers(certificate)
      .map((name) => this.#normalized(name))
      .filter((name) => typeof name === 'string')
    const user = await this.#userOf(names, authzid)
    const username = user instanceof Error ? (names[0] ?? '') : user
    const right = await this.#attempt(username, client, async (name) => {
      const known = user instanceof Error ? user : await this.#mapped(name)
      return known instanceof Error ? known : undefined
    })
    return right ? username : null
  }

  async #userOf(names: readonly string[], authzid: string): Promise<string | Error> {
    let others = false
    try {
      for (const name of names) {
        const [user] = (await this.#values.sasl_external?.lookup(name)) ?? []
        if (user !== undefined && user !== '' && (authzid === '' || authzid === user)) return user
        others ||= user !== undefined
      }
    } catch (cause) {
      return new Unavailable(cause)
    }
    if (others) throw foreignAuthzid()
    return new Error('no entry in sasl_external')
  }
}

const mechanismsOf = ({ auth, sasl_login, sasl_external }: LoginConfig): SaslMechanism[] => {
  const passwords = auth.length > 0
  return [
    ...(passwords ? (['PLAIN'] as const) : []),
    ...(passwords && sasl_login ? (['LOGIN'] as const) : []),
    // Clients take the strongest mechanism, and do not try the next one when it fails: everybody has to be able to use it.
    ...(passwords && auth.every(({ scram }) => scram?.scramOffered)
      ? (['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'] as const)
      : []),
    ...(sasl_external ? (['EXTERNAL'] as const) : []),
  ]
}

/** It could not be told whether credentials are right. */
class Unavailable extends Error {
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

const wrong = () => new Error('no auth. provider accepted creds, last err: invalid credentials')
