import { domainForLookup, lowerCase } from './domain.ts'
import { formatAddress, splitAddress } from './parse.ts'
import { usernameCaseMapped, usernameCasePreserved } from './precis.ts'
import { validAddress } from './valid.ts'

type Normalizer = (text: string) => string

/** The profile on the local part; the domain as in tables. A bare `postmaster` gets an empty domain: `postmaster@`. */
const onAddress =
  (profile: Normalizer): Normalizer =>
  (text) => {
    const { local, domain } = splitAddress(text)
    return domain === ''
      ? `${profile(local)}@`
      : formatAddress({ local: profile(local), domain: domainForLookup(domain) })
  }

const foldedAddress = onAddress(usernameCaseMapped)

/** What `auth_map_normalize` and its like offer. Each throws RangeError for a name that cannot be normalised. */
export const normalizers = {
  auto: (text) => (validAddress(text) ? foldedAddress(text) : usernameCaseMapped(text)),
  precis_casefold_email: foldedAddress,
  precis_casefold: usernameCaseMapped,
  precis_email: onAddress(usernameCasePreserved),
  precis: usernameCasePreserved,
  casefold: lowerCase,
  noop: (text) => text,
} as const satisfies Record<string, Normalizer>

export type NormalizerName = keyof typeof normalizers

export const normalizerNames = Object.keys(normalizers) as NormalizerName[]
