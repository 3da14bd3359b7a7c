import { role } from '../role.ts'

/** Signing keys by domain, as account management needs them: mail from a new domain is to be signed from the first on. */
export interface DkimKeys {
  /**
   * Makes sure that there is a key for a domain, in any of its forms; does nothing where there is one, or where the
   * configuration alone says which domains are signed for. Resolves when the key is stored. Throws UserError for what is no domain.
   */
  ensure(domain: string): Promise<void>
}

export const DkimKeys = role<DkimKeys>('dkim_keys', 'modify')
