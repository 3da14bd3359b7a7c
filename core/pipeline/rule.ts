import { domainForLookup, forLookup, isPostmaster, validAddress, validDomain } from '../kit/address/index.ts'

/**
 * What `source` and `destination` compare with: an address or a domain, in the form in which they are looked up.
 * `postmaster` alone is the one without a domain. Throws RangeError.
 */
export const parseRule = (written: string): string => {
  const address = written.includes('@') || isPostmaster(written)
  if (address ? !validAddress(written) : !validDomain(written)) {
    throw new RangeError(`expected an address or a domain, not ${JSON.stringify(written)}`)
  }
  return address ? forLookup(written) : domainForLookup(written)
}
