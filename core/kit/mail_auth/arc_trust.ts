import type { SignatureField } from 'mailauth/lib/tools.js'
import { sameDomain } from '../address/domain.ts'
import type { Header } from '../message/message.ts'
import { authorsOf } from './dmarc_author.ts'

/** One instance of a chain, as mailauth reads it. */
export interface ArcSet {
  readonly 'arc-seal': SignatureField
  readonly 'arc-message-signature': SignatureField
  readonly 'arc-authentication-results': {
    /** Results by their method; of several of a method the last. */
    readonly parsed: { readonly dmarc?: { readonly value?: unknown; readonly header?: { readonly from?: unknown } } }
  }
}

/** The domain that a set claims to be sealed by. */
export const sealerOf = (set: ArcSet): string => String(set['arc-seal'].parsed.d?.value ?? '')

export const isTrusted = (set: ArcSet, sealers: readonly string[]): boolean =>
  sealers.some((trusted) => sameDomain(trusted, sealerOf(set)))

/**
 * Whether a chain that passes tells by way of trusted sealers alone that DMARC passed for the author of the message when one
 * of them met it (RFC 8617 §7.2.1). That a trusted sealer has forwarded it is not enough: those forward all sorts of mail.
 */
export const isVouchedFor = (chain: readonly ArcSet[], sealers: readonly string[], header: Header): boolean => {
  const authors = authorsOf(header)
  if ('problem' in authors) return false
  const [author = '', another] = authors.domains
  if (another !== undefined) return false
  for (const set of chain.toReversed()) {
    if (!isTrusted(set, sealers)) return false
    const { dmarc } = set['arc-authentication-results'].parsed
    const from = dmarc?.header?.from
    if (dmarc?.value === 'pass' && typeof from === 'string' && sameDomain(from, author)) return true
  }
  return false
}
