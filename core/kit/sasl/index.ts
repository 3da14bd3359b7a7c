export { SaslError } from './error.ts'
export type { SaslCredentials, SaslServer, SaslStep } from './mechanism.ts'
export type { SaslMechanism } from './server.ts'
export { isSaslMechanism, saslServer } from './server.ts'
