export type { NewHash } from './format.ts'
export { hashes, PasswordFormatError } from './format.ts'
export { PasswordHasher } from './hasher.ts'
export { parseScram } from './scram.ts'
