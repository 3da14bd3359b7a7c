import { role } from '../role.ts'

/** Knows who may log in. */
export interface Auth {
  /** False when the credentials are wrong; throws when that cannot be told, so that an outage is never a wrong password. */
  verify(username: string, password: string): Promise<boolean>
}

export const Auth = role<Auth>('auth')

/** How a new password is to be kept. What is left out takes the store's default. */
export interface HashOptions {
  readonly hash?: string
  readonly bcryptCost?: number
}

/** Credentials that can be managed: what `creds` and the REST API work on. */
export interface Users extends Auth {
  list(): Promise<readonly string[]>
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
