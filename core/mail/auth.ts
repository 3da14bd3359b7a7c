import type { ScramChallenge, ScramSecret } from '../kit/sasl/index.ts'
import { role } from '../role.ts'

/** Knows who may log in. */
export interface Auth {
  /** False when the credentials are wrong; throws when that cannot be told, so that an outage is never a wrong password. */
  verify(username: string, password: string): Promise<boolean>
}

export const Auth = role<Auth>('auth')

/**
 * Keeps passwords in a form by which SCRAM-SHA-256 (RFC 7677) can check that a client knows one, without being told it. The
 * mechanism is offered where every provider of an endpoint offers it.
 */
export interface ScramAuth extends Auth {
  /** Known from `create` on. False where there may be users whose password is kept in another form: they could not log in. */
  readonly scramOffered: boolean
  /** Undefined for a name that is not there; throws when that cannot be told. Never the password. */
  scramSecret(username: string): Promise<ScramSecret | undefined>
  /** What to show for a name that is not there: the same each time, and of the looks of what is shown for others. */
  scramDecoy(username: string): Promise<ScramChallenge>
}

export const ScramAuth = role<ScramAuth>('scram_auth', 'auth')

/** How a new password is to be kept. What is left out takes the store's default. */
export interface HashOptions {
  readonly hash?: string
  readonly bcryptCost?: number
}

/** Credentials that can be managed: what `creds` and the REST API work on. */
export interface Users extends Auth {
  list(): Promise<readonly string[]>
  has(username: string): Promise<boolean>
  /** Throws UserError when the user exists, or the password cannot be kept. */
  create(username: string, password: string, options?: HashOptions): Promise<void>
  /** Throws UserError when there is no such user. */
  setPassword(username: string, password: string): Promise<void>
  /** Throws UserError when there is no such user. */
  delete(username: string): Promise<void>
}

export const Users = role<Users>('users', 'auth')

/** A request of an administrator that cannot be met: a name that exists, or does not, or a value that will not do. */
export class UserError extends Error {
  override readonly name = 'UserError'
  readonly kind: 'exists' | 'missing' | 'invalid' | 'unsupported'

  constructor(kind: UserError['kind'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
