import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate chain, leaf first, and the key of the leaf; both PEM. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** Each certificate of a text that may hold several, as PEM. */
export const pemCertificates = (text: string): string[] =>
  text.match(/-----BEGIN CERTIFICATE-----\r?\n[\w+/=\s]+?-----END CERTIFICATE-----/g) ?? []

/** The leaf. Throws when either is not PEM, or the key is another's; OpenSSL would take an empty text for no certificate. */
export const checkPair = ({ cert, key }: KeyPair): X509Certificate => {
  const leaf = new X509Certificate(cert)
  if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error('the key is that of another certificate')
  return leaf
}
