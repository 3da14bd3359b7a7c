import type { Table } from '../../core/index.ts'
import { SmtpError } from '../../core/index.ts'
import type { NormalizerName } from '../../core/kit/address/index.ts'
import { normalizers, splitAddress } from '../../core/kit/address/index.ts'

/** Why a user may not send from an address. */
export interface Finding {
  readonly kind: 'unauthenticated' | 'mismatch' | 'error'
  readonly reason: SmtpError
}

export interface RightsOptions {
  readonly prepare_email: Table
  readonly user_to_email: Table
  readonly auth_normalize: NormalizerName
  readonly from_normalize: NormalizerName
}

/** Who may send from which address. */
export class SenderRights {
  readonly #options: RightsOptions

  constructor(options: RightsOptions) {
    this.#options = options
  }

  /** Undefined when the user, as logged in or empty, may send from that address, which is empty for `<>`. */
  async findingOn(user: string, address: string): Promise<Finding | undefined> {
    const { auth_normalize, from_normalize } = this.#options
    if (user === '') return { kind: 'unauthenticated', reason: authenticationRequired(address) }
    const fields = { check: 'authorize_sender', username: user, address }
    const failed = (reason: SmtpError): Finding => ({ kind: 'error', reason })
    const from = normalized(address, from_normalize)
    if (from instanceof RangeError) {
      const text = 'Unable to normalize sender address'
      return failed(SmtpError.permanent(553, '5.1.7', text, { ...fields, cause: from }))
    }
    const name = normalized(user, auth_normalize)
    if (name instanceof RangeError) {
      const text = 'Unable to normalize authorization username'
      return failed(SmtpError.permanent(535, '5.7.8', text, { ...fields, cause: name }))
    }
    try {
      return (await this.#allowed(name, from)) ? undefined : { kind: 'mismatch', reason: mismatch(user, address) }
    } catch (cause) {
      const text = 'Internal error during policy check'
      return failed(SmtpError.temporary(454, '4.7.0', text, { ...fields, cause }))
    }
  }

  /** Both are normalised; entries of the table count as they stand. Throws when a table cannot answer. */
  async #allowed(user: string, from: string): Promise<boolean> {
    const { prepare_email, user_to_email } = this.#options
    const prepared = await prepare_email.lookup(from)
    const entries = new Set(await user_to_email.lookup(user))
    for (const address of prepared.length > 0 ? prepared : [from]) {
      const { domain } = splitAddress(address)
      if (entries.has(domain) || entries.has('*') || entries.has(address)) return true
    }
    return false
  }
}

const normalized = (text: string, how: NormalizerName): string | RangeError => {
  try {
    return normalizers[how](text)
  } catch (error) {
    if (error instanceof RangeError) return error
    throw error
  }
}

const authenticationRequired = (address: string) =>
  SmtpError.permanent(530, '5.7.0', 'Authentication required', { check: 'authorize_sender', address })

export const mismatch = (username: string, address: string): SmtpError =>
  SmtpError.permanent(553, '5.7.0', 'Unauthorized use of sender address', {
    check: 'authorize_sender',
    username,
    address,
  })
