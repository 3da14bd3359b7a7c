import type { X509Certificate } from 'node:crypto'

/** Whom a client certificate stands for: its e-mail addresses (RFC 5280 §4.2.1.6), or else its common name. */
export const certificateUsers = (certificate: X509Certificate): readonly string[] => {
  const addresses = alternativeNames(certificate.subjectAltName ?? '')
    .filter(({ type }) => type === 'email')
    .map(({ value }) => value)
  if (addresses.length > 0) return addresses
  const { CN } = certificate.toLegacyObject().subject
  return typeof CN === 'string' && CN !== '' ? [CN] : []
}

/** Node writes them `email:a@b, DNS:c`, and one that could be taken for two as a JSON string. None, if any cannot be read. */
const alternativeNames = (written: string): { readonly type: string; readonly value: string }[] => {
  const names: { type: string; value: string }[] = []
  const name = /([^:,"]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y
  while (name.lastIndex < written.length) {
    const [, type, value] = name.exec(written) ?? []
    if (type === undefined || value === undefined) return []
    names.push({ type, value: value.startsWith('"') ? String(JSON.parse(value)) : value })
  }
  return names
}
