export { type DmarcPolicy, type DmarcVerdict, evaluateDmarc, publishedPolicy } from './dmarc.ts'
export { LookupError, type MailauthResolver, remembering, resolverFor } from './resolver.ts'
export type { AuthenticationResult } from './result.ts'
export { evaluateSpf, type SpfIdentity, type SpfOutcome, type SpfValue } from './spf.ts'
