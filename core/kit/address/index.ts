export type { Address } from './address.ts'
export {
  cleanDomain,
  domainForLookup,
  isAscii,
  lowerCase,
  sameDomain,
  toAscii,
  toUnicode,
  validDomain,
} from './domain.ts'
export { forLookup, sameAddress } from './lookup.ts'
export type { NormalizerName } from './normalize.ts'
export { normalizerNames, normalizers } from './normalize.ts'
export {
  formatAddress,
  isPostmaster,
  parseAddress,
  quoteLocal,
  splitAddress,
  unquoteLocal,
  wireAddress,
} from './parse.ts'
export { usernameCaseMapped, usernameCasePreserved } from './precis.ts'
export { validAddress } from './valid.ts'
