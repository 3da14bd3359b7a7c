export { BodyHash } from './body_hash.ts'
export { type Canonicalization, canonicalField } from './canonical.ts'
export {
  generateKey,
  KeyError,
  keyPem,
  type NewKeyAlgorithm,
  newKeyAlgorithms,
  parseKey,
  publicKeyOf,
  recordOf,
  type SigningKey,
} from './key.ts'
export { type SignOptions, signMessage } from './sign.ts'
export { type FieldNames, needed, signedFields } from './signed_fields.ts'
