import { isPostmaster } from '../../core/kit/address/index.ts'

/**
 * What stands before the last `@`, its quotes kept: what looks the value up will expect them where they are. `postmaster`
 * alone is an address too (RFC 5321 §4.5.1). Undefined for what is no address.
 */
export const localPart = (key: string): string | undefined => {
  if (isPostmaster(key)) return key
  const at = key.lastIndexOf('@')
  return at > 0 && at < key.length - 1 ? key.slice(0, at) : undefined
}
