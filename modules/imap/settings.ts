import type { Logger, LoginClient, LoginPeer, ServerTls, Storage } from '../../core/index.ts'
import type { SaslMechanism, SaslServer } from '../../core/kit/sasl/index.ts'
import type { Places } from './places.ts'

/** What all sessions of an endpoint share. */
export interface Settings {
  readonly storage: Storage
  readonly login: Login
  /** The storage's account for a login name; undefined when `storage_map` has none. Throws when it cannot be told. */
  readonly accountName: (username: string) => Promise<string | undefined>
  readonly tls: ServerTls | null
  readonly insecureAuth: boolean
  readonly log: Logger
  /** Logs the dialogue. */
  readonly ioDebug: boolean
  /** Logs why connections break. */
  readonly ioErrors: boolean
  /** Where large messages wait while they are received; absolute. */
  readonly spoolDirectory: string
  /** Connections of one address, and of one account, at once. */
  readonly fromAddress: Places
  readonly ofAccount: Places
  /** What the server calls itself. */
  readonly identity: string
  readonly limits: Limits
}

/** Verifies credentials: an Authenticator. */
export interface Login {
  readonly mechanisms: readonly SaslMechanism[]
  verify(username: string, password: string, peer: LoginPeer | null, signal?: AbortSignal): Promise<boolean>
  exchange(mechanism: SaslMechanism, client: LoginClient): SaslServer
}

/** Bounds on what a client may do; sizes in bytes, times in milliseconds. */
export interface Limits {
  readonly line: number
  /** Lines and literals in memory together, before and after login. */
  readonly strangerCommand: number
  readonly command: number
  /** A literal that is read and thrown away. */
  readonly drop: number
  /** Messages up to this size are received in memory. */
  readonly spoolMemory: number
  /** Bad commands in a row before the connection is closed, before and after login. */
  readonly strangerMistakes: number
  readonly mistakes: number
  readonly strangerIdle: number
  readonly idle: number
  readonly handshake: number
  /** How often a client in IDLE hears that the connection lives (RFC 2177 leaves it to the server). */
  readonly keepAlive: number
}

export const defaultLimits: Limits = {
  line: 64 * 1024,
  strangerCommand: 8 * 1024,
  command: 1024 * 1024,
  drop: 4 * 1024 ** 3,
  spoolMemory: 1024 * 1024,
  strangerMistakes: 3,
  mistakes: 20,
  strangerIdle: 2 * 60_000,
  idle: 31 * 60_000,
  handshake: 60_000,
  keepAlive: 4 * 60_000, // what stands between may forget a silent connection after five minutes
}
