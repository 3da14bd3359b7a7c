import { validDomain } from './domain.ts'
import { isPostmaster, splitAddress, unquoteLocal } from './parse.ts'

/**
 * Whether a text is an address that mail could go to: at most 320 bytes, with a local part of the characters of RFC 5322
 * `atext` and dots, or a quoted one, and a domain that `validDomain` accepts. `postmaster` is one by itself.
 */
export const validAddress = (text: string): boolean => {
  if (isPostmaster(text)) return true
  if (Buffer.byteLength(text) > 320) return false
  try {
    const { local, domain } = splitAddress(text)
    return validLocal(local) && validDomain(domain)
  } catch {
    return false
  }
}

const validLocal = (local: string): boolean => {
  if (!local.startsWith('"')) return /^[\w!#$%&'*+\-/=?^`{|}~.\u0080-\u{10FFFF}]+$/u.test(local)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  return !/[\0-\x1f\x7f]/.test(unquoteLocal(local))
}
