import type { Address } from './address.ts'
import { domainForLookup, isAscii, lowerCase } from './domain.ts'
import { formatAddress, parseAddress } from './parse.ts'

/**
 * The key of an address in tables and rules: NFC and lower case, U-labels, no trailing dot, no quotes; `''`, the null
 * reverse-path, stays. Throws RangeError for a text that is no address.
 */
export const forLookup = (address: string | Address): string => {
  if (address === '') return ''
  const { local, domain } = typeof address === 'string' ? parseAddress(address) : address
  return formatAddress({
    local: lowerCase(isAscii(local) ? local : local.normalize('NFC')),
    domain: domainForLookup(domain),
  })
}

/** Whether two addresses are one. Texts that are no addresses are equal when they are so in lower case. */
export const sameAddress = (a: string | Address, b: string | Address): boolean => a === b || key(a) === key(b)

const key = (address: string | Address): string => {
  try {
    return forLookup(address)
  } catch {
    return lowerCase(typeof address === 'string' ? address : formatAddress(address))
  }
}
